package images

import (
	"os"
	"path/filepath"
	"strings"
)

// A Dockerfile that installs in a first stage, so that this machine's settings
// stay behind there, writes what it installs twice, and deletes half of that
// again: a quarter of the time, and of PyTorch for GPUs 6 GB of disk. Podman can
// show a builder files without copying them into the image, and needs no stage
// for it.

// The places where such a Dockerfile differs from one of a single stage.
const (
	stageBegins = "FROM ${BASE} AS install\nCOPY settings /run/dlbench\nCOPY requirements.txt unneeded.txt /tmp/\n"
	stageEnds   = "\nFROM ${BASE}\nCOPY --from=install /opt/new /opt/packages\n"
)

// oneStage is a Dockerfile of two stages as one of a single stage, which does the
// same in the same place, /opt/new, and then links that to where it belongs;
// false if it is none of those. What it does not copy, it finds where the
// settings are mounted.
func oneStage(dockerfile string) (string, bool) {
	if strings.Count(dockerfile, stageBegins) != 1 || !strings.HasSuffix(dockerfile, stageEnds) {
		return "", false
	}
	dockerfile = strings.Replace(dockerfile, stageBegins, "FROM ${BASE}\n", 1)
	dockerfile = strings.TrimSuffix(dockerfile, stageEnds)
	for _, name := range copied {
		dockerfile = strings.ReplaceAll(dockerfile, "/tmp/"+name, "/run/dlbench/"+name)
	}
	return dockerfile + "\nRUN mkdir -p /opt/packages && cp -a -l -f /opt/new/. /opt/packages/ && rm -rf /opt/new\n", true
}

// copied are the files that the first stage has in /tmp.
var copied = []string{"requirements.txt", "unneeded.txt"}

// singleStage changes a context for podman and returns the flags that its build
// needs; none if its Dockerfile stays as it is.
func singleStage(dir string) ([]string, error) {
	path := filepath.Join(dir, "Dockerfile")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	single, ok := oneStage(string(data))
	if !ok {
		return nil, nil
	}
	settings := filepath.Join(dir, "settings")
	for _, name := range copied {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(settings, name)); err != nil {
			return nil, err
		}
	}
	return []string{"--volume", settings + ":/run/dlbench:ro,z"}, os.WriteFile(path, []byte(single), 0o644)
}
