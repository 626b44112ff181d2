package preflight

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Scrubber takes out of a text what tells who or where somebody is.
type Scrubber struct {
	Words map[string]string // host name, user name, home → what stands for it
}

// paths are absolute, and none of the system's own, which are the same
// everywhere.
var (
	paths  = regexp.MustCompile(`(^|[/\s"'(=,;:\[])((?:~|\.{1,2})?(?:/[\w.@+~%-]+)+/?)`)
	common = regexp.MustCompile(`^/(dev|proc|sys)(/|$)|^/tmp$|^/(etc|var/run|run)/cdi(/|$)`)
)

// Text is the text without names and with the last part of each path only.
func (s Scrubber) Text(text string) string {
	text = paths.ReplaceAllStringFunc(text, func(found string) string {
		parts := paths.FindStringSubmatch(found)
		path := strings.TrimSuffix(parts[2], "/")
		if common.MatchString(path) {
			return found
		}
		return parts[1] + "PATH" + path[strings.LastIndexByte(path, '/'):]
	})
	for word, instead := range s.Words {
		if len(word) < 2 {
			continue
		}
		text = regexp.MustCompile(`(^|[^\pL\pN])`+regexp.QuoteMeta(word)+`($|[^\pL\pN])`).ReplaceAllString(text, "${1}"+instead+"${2}")
	}
	return text
}

// JSON is a document of which every string was scrubbed.
func (s Scrubber) JSON(document any) ([]byte, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write the bundle: %w", err)
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return nil, fmt.Errorf("write the bundle: %w", err)
	}
	return json.MarshalIndent(s.clean(value), "", "  ")
}

func (s Scrubber) clean(value any) any {
	switch v := value.(type) {
	case string:
		return s.Text(v)
	case []any:
		for i := range v {
			v[i] = s.clean(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = s.clean(v[key])
		}
	}
	return value
}
