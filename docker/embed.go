// Package docker holds what images are made of: one directory per runner's
// packages, a base below them and the adapter's layer on top.
package docker

import "embed"

// Files are the directories of the images, embedded so that an installed
// dlbench can build them anywhere.
//
//go:embed base adapter debian pip reference pytorch tensorflow jax onnxruntime mxnet keras cntk dl4j openvino paddle
//go:embed cuda12 pytorch-cuda tensorflow-cuda jax-cuda onnxruntime-cuda mxnet-cuda cntk-cuda dl4j-cuda
//go:embed compiler
var Files embed.FS

// Costs is what making each layer took. It is beside Files: what images are
// made of does not change with it.
//
//go:embed costs.json
var Costs []byte
