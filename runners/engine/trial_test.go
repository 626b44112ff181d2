package engine_test

import (
	"os"
	"os/user"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
)

func TestAContainerIsTriedAndRemoved(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		if missing := c.Try(t.Context()); missing != nil {
			t.Errorf("it starts none: %v", missing)
		}
		if left := double.Containers(); len(left) != 0 || len(double.Calls("start")) != 1 {
			t.Errorf("%v are left after %d starts", left, len(double.Calls("start")))
		}
	})
}

// What engines of unprivileged users say, and what to do about it.
func TestWhyNoContainerStarts(t *testing.T) {
	self, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ engine, call, says, remedy string }{
		"no newuidmap":       {"podman", "version", `Error: command required for rootless mode with multiple IDs: exec: "newuidmap": executable file not found in $PATH`, "apt-get install -y uidmap"},
		"no subordinate IDs": {"podman", "import", "Error: potentially insufficient UIDs or GIDs available in user namespace", "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + self.Username},
		"no runtime dir":     {"podman", "start", `Error: runc: level=error msg="mkdir /run/user/1001: permission denied": OCI permission denied`, "loginctl enable-linger " + self.Username},
		"a full disk":        {"podman", "create", "Error: write /x: no space left on device", "make room where podman keeps images"},
		"not in the group":   {"docker", "version", "permission denied while trying to connect to the Docker daemon socket", "usermod --append --groups docker " + self.Username},
		"something else":     {"podman", "start", "Error: it is Monday", "apt-get install"},
	} {
		t.Run(name, func(t *testing.T) {
			c, double := played(t, tt.engine)
			double.Fail(tt.call, tt.says+"\n")
			if tt.call == "version" {
				if h := c.Probe(t.Context()); h.State != engine.Unhealthy || !strings.HasPrefix(h.Hint, tt.remedy) {
					t.Errorf("health is %+v, want the remedy %q", h, tt.remedy)
				}
				return
			}
			missing := c.Try(t.Context())
			if missing == nil || !strings.HasPrefix(missing.Text, "podman starts no container: ") || !strings.Contains(missing.Text, tt.says) || !strings.HasPrefix(missing.Hint, tt.remedy) {
				t.Errorf("got %+v, want the remedy %q", missing, tt.remedy)
			}
		})
	}
	if os.Geteuid() == 0 {
		return // to whom a mapping cannot be lacking
	}
	c, double := played(t, "podman")
	double.Fail("import", "Error: chown /home/x: operation not permitted\n")
	if missing := c.Try(t.Context()); missing == nil || !strings.Contains(missing.Hint, "--add-subuids") {
		t.Errorf("got %+v", missing)
	}
}
