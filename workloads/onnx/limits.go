package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// A message takes two bytes in a file and some two hundred in memory, so a
// hostile file could ask for a hundred times its size. Honest ones hold weights:
// they have a message in far more than leastPerMessage bytes, or few messages.
const (
	freeMessages    = 400_000
	leastPerMessage = 64
	maxDepth        = 64
)

// checkMessages counts the messages of a file before any memory is taken for
// them.
func checkMessages(data []byte) error {
	left := freeMessages + len(data)/leastPerMessage
	return countMessages(data, (&schema.ModelProto{}).ProtoReflect().Descriptor(), &left, 0)
}

func countMessages(data []byte, d protoreflect.MessageDescriptor, left *int, depth int) error {
	if *left--; *left < 0 || depth > maxDepth {
		return fmt.Errorf("not an ONNX file: it has more messages than one of its size can need")
	}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("not an ONNX file: it is no whole protobuf message: %w", protowire.ParseError(n))
		}
		data = data[n:]
		field := d.Fields().ByNumber(number)
		if kind == protowire.BytesType && field != nil && field.Kind() == protoreflect.MessageKind {
			inner, n := protowire.ConsumeBytes(data)
			if n < 0 {
				return fmt.Errorf("not an ONNX file: it is no whole protobuf message: %w", protowire.ParseError(n))
			}
			if err := countMessages(inner, field.Message(), left, depth+1); err != nil {
				return err
			}
			data = data[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return fmt.Errorf("not an ONNX file: it is no whole protobuf message: %w", protowire.ParseError(n))
		}
		data = data[n:]
	}
	return nil
}
