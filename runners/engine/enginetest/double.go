package enginetest

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Play is the first line of a TestMain: if the test's program was started as
// podman or docker, it plays that engine and does not return.
func Play() {
	dir := os.Getenv(doubleState)
	if name := filepath.Base(os.Args[0]); dir == "" || name != "podman" && name != "docker" {
		return
	}
	os.Exit(newDouble(dir).play(os.Args[1:]))
}

// double is one call of the played engine. What it knows lies in files: each
// call is a process of its own.
type double struct{ dir string }

// doubled is what a container was created with.
type doubled struct {
	Image       string   `json:"image"`
	Command     []string `json:"command"`
	Environment []string `json:"environment"`
	Labels      []string `json:"labels"`
	Mounts      []string `json:"mounts"` // HOST, a tab, INSIDE
}

func newDouble(dir string) *double { return &double{dir} }

func (d *double) play(args []string) int {
	if err := d.remember(args); err != nil {
		return d.fault(err)
	}
	for _, r := range readRules(d.dir) {
		if begins(args, r.Words) {
			fmt.Print(r.Stdout)
			fmt.Fprint(os.Stderr, r.Stderr)
			return r.Code
		}
	}
	last := args[len(args)-1]
	switch args[0] {
	case "create":
		return d.create(args[1:])
	case "start":
		return d.start(last)
	case "inspect":
		return d.inspect(args[2], last)
	case "stop":
		seconds, _ := strconv.Atoi(args[2])
		return d.stop(last, time.Duration(seconds)*time.Second)
	case "rm":
		return d.remove(last)
	case "ps":
		ids, err := d.ids()
		fmt.Println(strings.Join(ids, "\n"))
		return d.fault(err)
	case "build":
		return d.build(args[1:])
	case "image":
		return d.imageInspect(args[3], last)
	case "images":
		return d.list()
	case "import":
		return d.fault(d.keep(last, Image{Arguments: args[1:]}))
	case "tag":
		return d.fault(d.give(args[1], d, last))
	case "rmi":
		return d.fault(os.Remove(d.imagePath(last)))
	case "push":
		return d.fault(d.give(last, d.registry(), last))
	case "pull":
		return d.pull(last)
	case "save":
		return d.fault(d.save(args[1:]))
	case "load":
		return d.fault(d.load(last))
	case "version":
		fmt.Println("5.4.2")
		return 0
	}
	return d.fault(fmt.Errorf("the double cannot %q", args[0]))
}

func (d *double) fault(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "Error:", err)
	return 125
}

// remember appends the call in one write, so that calls beside it lose nothing.
func (d *double) remember(args []string) error {
	line, err := json.Marshal(args)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(d.dir, "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func (d *double) path(id, name string) string {
	return filepath.Join(d.dir, "containers", id, name)
}

func (d *double) add(c doubled) (string, error) {
	parent := filepath.Join(d.dir, "containers")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, "c0ffee")
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return filepath.Base(dir), os.WriteFile(filepath.Join(dir, "created"), data, 0o644)
}

func (d *double) ids() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(d.dir, "containers"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids, err
}

func (d *double) find(id string) (c doubled, err error) {
	data, err := os.ReadFile(d.path(id, "created"))
	if err != nil {
		return c, fmt.Errorf("no such container %s", id)
	}
	return c, json.Unmarshal(data, &c)
}

// create reads the options as the engines do: some have their value in the
// next word.
func (d *double) create(args []string) int {
	var c doubled
	for len(args) > 0 && strings.HasPrefix(args[0], "--") {
		name, value, joined := strings.Cut(args[0], "=")
		args = args[1:]
		if !joined && (name == "--user" || name == "--userns" || name == "--gpus") {
			value, args = args[0], args[1:]
		}
		switch name {
		case "--env":
			c.Environment = append(c.Environment, value)
		case "--mount":
			mount, err := readMount(value)
			if err != nil {
				return d.fault(err)
			}
			c.Mounts = append(c.Mounts, mount)
		case "--label":
			c.Labels = append(c.Labels, value)
		}
	}
	c.Image, c.Command = args[0], args[1:]
	id, err := d.add(c)
	fmt.Println(id)
	return d.fault(err)
}

// readMount reads a bind mount as the engines do: a record of comma-separated
// values.
func readMount(text string) (string, error) {
	fields, err := csv.NewReader(strings.NewReader(text)).Read()
	values := map[string]string{}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		values[name] = value
	}
	if err == nil && (values["type"] != "bind" || values["src"] == "" || values["dst"] == "") {
		err = errors.New("no bind mount")
	}
	if err != nil {
		return "", fmt.Errorf("--mount=%s: %w", text, err)
	}
	return values["src"] + "\t" + values["dst"], nil
}

// start runs the container's command with this process's streams.
func (d *double) start(id string) int {
	c, err := d.find(id)
	if err != nil {
		return d.fault(err)
	}
	if c.Command[0] == "/exit" { // the program of the engine's own tiny image
		return 0
	}
	command := exec.Command(c.Command[0], c.Command[1:]...)
	command.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin", doubleMounts + "=" + strings.Join(c.Mounts, "\n")}, c.Environment...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	_ = os.WriteFile(d.path(id, "pid"), []byte(starting), 0o644)
	if err := command.Start(); err != nil {
		_ = os.Remove(d.path(id, "pid"))
		_ = d.fault(err)
		return 127
	}
	_ = os.WriteFile(d.path(id, "pid"), []byte(strconv.Itoa(command.Process.Pid)), 0o644)
	err = command.Wait()
	_ = os.Remove(d.path(id, "pid"))
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal())
		}
		return exit.ExitCode()
	}
	return d.fault(err)
}

// starting stands for the number of a process that is about to have one.
const starting = "starting"

// pid is 0 if nothing runs.
func (d *double) pid(id string) int {
	data, _ := os.ReadFile(d.path(id, "pid"))
	for string(data) == starting {
		time.Sleep(time.Millisecond)
		data, _ = os.ReadFile(d.path(id, "pid"))
	}
	pid, _ := strconv.Atoi(string(data))
	return pid
}

func (d *double) inspect(format, id string) int {
	c, err := d.find(id)
	switch {
	case err != nil:
		return d.fault(err)
	case format == "{{.State.OOMKilled}}":
		fmt.Println("false")
	case format == "{{.State.Pid}}":
		fmt.Println(d.pid(id))
	case format == "{{.State.Status}} {{json .Config.Labels}}":
		labels := map[string]string{}
		for _, label := range c.Labels {
			name, value, _ := strings.Cut(label, "=")
			labels[name] = value
		}
		text, err := json.Marshal(labels)
		if err != nil {
			return d.fault(err)
		}
		status := "exited"
		if d.pid(id) > 0 {
			status = "running"
		}
		fmt.Println(status, string(text))
	default:
		return d.fault(fmt.Errorf("the double cannot tell %q", format))
	}
	return 0
}

func (d *double) stop(id string, grace time.Duration) int {
	pid := d.pid(id)
	if pid == 0 {
		return 0
	}
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	for end := time.Now().Add(grace); d.pid(id) != 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	_, _ = io.WriteString(os.Stdout, id+"\n")
	return 0
}

func (d *double) remove(id string) int {
	if _, err := d.find(id); err != nil {
		return d.fault(err)
	}
	if pid := d.pid(id); pid > 0 {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	return d.fault(os.RemoveAll(filepath.Dir(d.path(id, "x"))))
}
