// Package runners holds who measures: the manifests and adapters that come
// with dlbench. Its rooms are the protocol, the engines that start runners, the
// sessions with them, parity and the campaign.
package runners

import "embed"

// Manifests are the built-in runners' runner.json files.
//
//go:embed */runner.json
var Manifests embed.FS

// Python is the adapter library with the adapters, and the bare loops that they
// are held against.
//
//go:embed python/dlbench_runner/*.py python/dlbench_runner/adapters/*.py python/dlbench_bare/*.py
var Python embed.FS
