package main

import "runtime/debug"

// buildVersion is set by the Makefile from git; a plain `go install` leaves it
// empty, and the module's version is taken.
var buildVersion string

func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
