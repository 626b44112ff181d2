// Package names helps a person who mistyped one: every list of names that
// dlbench has (networks, workloads, suites, runners, flags) refuses an unknown
// one in the same words.
package names

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// UnknownError refuses a name that is not in a list.
type UnknownError struct {
	Kind    string   // what the list holds: "suite"
	Name    string   // what was asked for
	Nearest []string // the likeliest of Known, best first; may be empty
	Known   []string
}

// Unknown makes an UnknownError, with the nearest of the known names.
func Unknown(kind, name string, known []string) *UnknownError {
	return &UnknownError{Kind: kind, Name: name, Nearest: Nearest(name, known), Known: known}
}

func (e *UnknownError) Error() string {
	if len(e.Nearest) > 0 {
		return fmt.Sprintf("unknown %s %q; did you mean %s?", e.Kind, e.Name, quoted(e.Nearest, " or "))
	}
	if len(e.Known) == 0 {
		return fmt.Sprintf("unknown %s %q; there are none", e.Kind, e.Name)
	}
	return fmt.Sprintf("unknown %s %q; there are %s", e.Kind, e.Name, quoted(e.Known, ", "))
}

func quoted(list []string, separator string) string {
	out := make([]string, len(list))
	for i, name := range list {
		out[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(out, separator)
}

// maxNearest is how many suggestions a person reads.
const maxNearest = 3

// Nearest returns at most three of the candidates that name was probably meant
// to be, best first: those within a third of its letters (at least one, at most
// 32 letters are looked at) by edits, upper and lower case being the same, and
// those that it begins.
func Nearest(name string, candidates []string) []string {
	type scored struct {
		name     string
		distance int
	}
	asked := clipped(name)
	limit := max(1, len(asked)/3)
	var near []scored
	for _, candidate := range candidates {
		text := clipped(candidate)
		d := distance(asked, text)
		if d > limit && len(asked) >= 2 && strings.HasPrefix(string(text), string(asked)) {
			d = limit
		}
		if d <= limit {
			near = append(near, scored{candidate, d})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, s := range near[:min(len(near), maxNearest)] {
		out = append(out, s.name)
	}
	return out
}

func clipped(name string) []rune {
	letters := []rune(strings.ToLower(name))
	return letters[:min(len(letters), 32)]
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours.
func distance(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			substitute := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				substitute++
			}
			rows[i][j] = min(substitute, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
