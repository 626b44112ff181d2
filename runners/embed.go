// Package runners holds who measures: a room for each framework, the library
// that adapters stand on, and beside them the protocol, the engines that start
// runners, the sessions with them, parity and the campaign.
package runners

import "embed"

// Manifests are the built-in runners' manifests, one or more a framework.
//
//go:embed frameworks/*/runner.json frameworks/*/runner-*.json
var Manifests embed.FS

// Sources are what images are given: the Python library, and each framework's
// adapter with the bare loop that it is compared with.
//
//go:embed sdk/python/dlbench_sdk/*.py sdk/python/dlbench_bare/*.py frameworks/*/*.py
//go:embed frameworks/cntk/dlbench_cntk/*.py frameworks/dl4j/pom.xml frameworks/dl4j/src/main
var Sources embed.FS
