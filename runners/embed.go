// Package runners holds who measures: the manifests and adapters that come
// with dlbench. Its rooms are the protocol, the engines that start runners, the
// sessions with them, parity and the campaign.
package runners

import "embed"

// Manifests are the built-in runners' runner.json files.
//
//go:embed */runner.json
var Manifests embed.FS

// Sources are the adapters: the Python library with its adapters and the bare
// loops that they are held against, and those that share nothing with it.
//
//go:embed python/dlbench_runner/*.py python/dlbench_runner/adapters/*.py python/dlbench_bare/*.py cntk/dlbench_cntk/*.py dl4j/pom.xml dl4j/src/main
var Sources embed.FS
