package html

import (
	"fmt"
	"strings"
)

// slug is a text as an anchor: the same for the same name in every report, so
// that a link to a section goes on to work.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	if b.Len() == 0 {
		return "x" // a name of signs only
	}
	return strings.TrimSuffix(b.String(), "-")
}

// anchors are those that the page has already.
type anchors map[string]bool

// unique is the anchor, with a number if names differ in signs only.
func (a anchors) unique(name string) string {
	candidate := name
	for i := 2; a[candidate]; i++ {
		candidate = fmt.Sprintf("%s-%d", name, i)
	}
	a[candidate] = true
	return candidate
}
