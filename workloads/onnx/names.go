package onnx

import (
	"fmt"
	"strings"
)

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// safeName keeps letters, digits, dots and underscores, as the zoo's names have
// them: every framework takes these, and some take no other.
func safeName(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		}
		return '_'
	}, name)
	if safe == "" || !strings.ContainsRune(letters, rune(safe[0])) {
		safe = "n" + safe
	}
	return safe
}

// naming gives out names that nobody has yet.
type naming map[string]int

func (n naming) take(name string) string {
	safe := safeName(name)
	if n[safe] == 0 {
		n[safe] = 1
		return safe
	}
	for {
		n[safe]++
		if next := fmt.Sprintf("%s_%d", safe, n[safe]); n[next] == 0 {
			n[next] = 1
			return next
		}
	}
}
