package engine

import (
	"strings"
	"testing"
)

func TestAnEngineThatCopiesImagesIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		engine, asked, told, hint string
	}{
		"podman":          {"podman", "{{.Store.GraphDriverName}}", "vfs", "storage.conf"},
		"docker":          {"docker", "{{.Driver}}", "vfs", "daemon.json"},
		"overlays":        {"podman", "{{.Store.GraphDriverName}}", "overlay", ""},
		"docker overlays": {"docker", "{{.Driver}}", "overlay2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, answer := scripted(t, tt.engine)
			if got := c.CopiesImages(t.Context()); got != nil {
				t.Errorf("of an engine that does not tell: %v", got)
			}
			answer(`[ "$3" = "` + tt.asked + `" ] && echo ` + tt.told)
			got := c.CopiesImages(t.Context())
			if (got == nil) != (tt.hint == "") || got != nil && !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("got %v", got)
			}
		})
	}
}
