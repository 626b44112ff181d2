package record

import "math"

// Most of a record are lists of raw numbers, a few thousand in each process. The
// schema's validator computes with fractions of any size, and takes longer over
// them than everything else that is done to read a record.

// wholeLists and numberLists are the fields that hold such lists: of integers, of
// which the schema allows all from 0 on, and of numbers.
var (
	wholeLists  = map[string]bool{"warmup_ns": true, "iteration_ns": true, "query_ns": true, "lag_ns": true, "time_ns": true}
	numberLists = map[string]bool{"values": true}
)

// thinned leaves one item in each list of raw numbers that the schema would pass,
// and everything else as it is, so that the schema finds what it would have found.
func thinned(tree any) {
	switch value := tree.(type) {
	case map[string]any:
		for name, child := range value {
			list, ok := child.([]any)
			if ok && len(list) > 1 && (wholeLists[name] && every(list, isWhole) || numberLists[name] && every(list, isNumber)) {
				value[name] = list[:1]
				continue
			}
			thinned(child)
		}
	case []any:
		for _, child := range value {
			thinned(child)
		}
	}
}

func every(list []any, passes func(any) bool) bool {
	for _, item := range list {
		if !passes(item) {
			return false
		}
	}
	return true
}

func isWhole(item any) bool {
	v, ok := item.(float64)
	return ok && v >= 0 && v == math.Trunc(v)
}

func isNumber(item any) bool {
	_, ok := item.(float64)
	return ok
}
