// Package schema holds the messages of an ONNX file. They are generated from
// onnx-ml.proto as ONNX 1.23.2 publishes it (Apache License 2.0, see LICENSE);
// nothing here is written by hand.
//
// To make them again: protoc 31 or later, and protoc-gen-go of the version that
// go.mod names (go install google.golang.org/protobuf/cmd/protoc-gen-go).
package schema

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go_opt=Monnx-ml.proto=github.com/dlbench/dlbench/workloads/onnx/schema onnx-ml.proto
