package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
)

// slurm calls Slurm's own commands, and reads only what they print for programs.
type slurm struct {
	environ []string
}

// failure is what a command of Slurm's said when it failed.
type failure struct {
	command string
	said    string // its standard error
	err     error
}

func (f *failure) Error() string {
	if f.said == "" {
		return fmt.Sprintf("%s: %v", f.command, f.err)
	}
	return f.command + ": " + f.said
}

func (f *failure) Unwrap() error { return f.err }

// call runs a command of Slurm's.
func (s slurm) call(ctx context.Context, command string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, command, args...)
	c.Env = append(append([]string{}, s.environ...), "LC_ALL=C")
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", &failure{command, oneLine(errs.String()), err}
	}
	return out.String(), nil
}

// oneLine is what a command complained about, without its name before every line.
func oneLine(text string) string {
	var said []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if _, rest, found := strings.Cut(line, "error: "); found {
			line = rest
		}
		if line != "" {
			said = append(said, line)
		}
	}
	return strings.Join(said, "; ")
}

// There says whether Slurm's commands are on this machine.
func There() error {
	for _, command := range []string{"sbatch", "squeue", "scancel"} {
		if _, err := exec.LookPath(command); err != nil {
			return bench.EnvironmentError(fmt.Errorf("--cluster slurm: there is no %s on PATH", command), "submit on a machine of the cluster that has Slurm's commands (Debian: slurm-client)")
		}
	}
	return nil
}

// jobID is what sbatch --parsable prints: a number, and the cluster's name behind
// it if there are several.
var jobID = regexp.MustCompile(`^[0-9]+(;[^;\s]+)?$`)

// submit submits a script, and returns the job's number.
func (s slurm) submit(ctx context.Context, args ...string) (string, error) {
	out, err := s.call(ctx, "sbatch", append([]string{"--parsable"}, args...)...)
	if err != nil {
		return "", err
	}
	out = strings.TrimSpace(out)
	if !jobID.MatchString(out) {
		return "", fmt.Errorf("sbatch --parsable printed %q, expected the number of a job", out)
	}
	id, _, _ := strings.Cut(out, ";")
	return id, nil
}

// remedy is what helps if sbatch refused.
func (s slurm) remedy(ctx context.Context, err error, args []string) string {
	said := err.Error()
	switch {
	case strings.Contains(said, "Invalid job array specification"):
		if largest := s.largestArray(ctx); largest > 0 {
			return fmt.Sprintf("this cluster takes arrays of at most %d elements (MaxArraySize), and each shard is one: give fewer --nodes", largest)
		}
	case strings.Contains(said, "MaxSubmitJob"):
		return "a quota of the account or the QOS allows fewer jobs at a time, and each shard is one: give fewer --nodes, wait until other jobs have ended, or ask by --sbatch-arg=--account=… or --qos=…"
	}
	return "what sbatch was given: " + strings.Join(args, " ")
}

// largestArray is how many elements an array may have; 0 if that is not known.
func (s slurm) largestArray(ctx context.Context) int {
	out, err := s.call(ctx, "scontrol", "show", "config")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(out) {
		if name, value, _ := strings.Cut(line, "="); strings.TrimSpace(name) == "MaxArraySize" {
			largest, _ := strconv.Atoi(strings.TrimSpace(value)) // what is no number is not known
			return largest
		}
	}
	return 0
}

// task is one element of an array.
type task struct {
	job   string
	index int
}

// state is what Slurm says of an element.
type state struct {
	name   string // RUNNING, NODE_FAIL, …
	node   string
	reason string // why it waits
}

// queued asks for the elements of jobs that the controller remembers, which are
// also those that ended in the last minutes.
func (s slurm) queued(ctx context.Context, jobs []string) (map[task]state, error) {
	out, err := s.call(ctx, "squeue", "--noheader", "--array", "--states=all", "--jobs="+strings.Join(jobs, ","), "--format=%F|%K|%T|%N|%r")
	var failed *failure
	if errors.As(err, &failed) && strings.Contains(failed.said, "Invalid job id") {
		return nil, nil // it forgot them
	}
	if err != nil {
		return nil, err
	}
	found := map[task]state{}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		if len(fields) != 5 {
			continue
		}
		index, err := strconv.Atoi(fields[1])
		if err != nil {
			continue // not an element of an array, so not one of ours
		}
		found[task{fields[0], index}] = state{fields[2], fields[3], fields[4]}
	}
	return found, nil
}

// errNoAccounting says that the cluster keeps no accounts: many do not.
var errNoAccounting = errors.New("this cluster keeps no accounts (sacct)")

// accounted asks the accounts, which remember what the controller has forgotten.
func (s slurm) accounted(ctx context.Context, jobs []string) (map[task]state, error) {
	out, err := s.call(ctx, "sacct", "--noheader", "--allocations", "--parsable2", "--jobs="+strings.Join(jobs, ","), "--format=JobID,State,NodeList,Reason")
	var failed *failure
	if errors.Is(err, exec.ErrNotFound) || errors.As(err, &failed) && strings.Contains(failed.said, "accounting storage is disabled") {
		return nil, errNoAccounting
	}
	if err != nil {
		return nil, err
	}
	found := map[task]state{}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		if len(fields) != 4 {
			continue
		}
		job, elements, isArray := strings.Cut(fields[0], "_")
		if !isArray {
			continue
		}
		name, _, _ := strings.Cut(fields[1], " ") // CANCELLED by 1000
		node := fields[2]
		if node == "None assigned" {
			node = ""
		}
		for _, index := range indices(elements) {
			found[task{job, index}] = state{name, node, fields[3]}
		}
	}
	return found, nil
}

// indices are the elements of an array as Slurm writes them: 7, or [2-5,9%2] for
// those that wait.
func indices(text string) []int {
	text = strings.Trim(text, "[]")
	text, _, _ = strings.Cut(text, "%")
	list, err := engine.ParseCPUs(text) // the same form
	if err != nil {
		return nil
	}
	return list
}

// cancel ends jobs; those that ended already are no error.
func (s slurm) cancel(ctx context.Context, jobs []string) error {
	_, err := s.call(ctx, "scancel", jobs...)
	return err
}

// exclude keeps the elements of a job that wait off some nodes. scontrol says of
// those that run that they wait no longer, and fails because of them.
func (s slurm) exclude(ctx context.Context, job, nodes string) {
	_, _ = s.call(ctx, "scontrol", "update", "JobId="+job, "ExcNodeList="+nodes)
}

// nodesOf are the nodes of a partition, or of the cluster's default one.
func (s slurm) nodesOf(ctx context.Context, partition string) (names []string, err error) {
	args := []string{"--noheader", "--Node", "--format=%N|%P"}
	if partition != "" {
		args = append(args, "--partition="+partition)
	}
	out, err := s.call(ctx, "sinfo", args...)
	seen := map[string]bool{}
	for line := range strings.Lines(out) {
		name, of, _ := strings.Cut(strings.TrimSpace(line), "|")
		if partition == "" && !strings.HasSuffix(of, "*") { // which marks the default one
			continue
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names, err
}

// unreachable says that the controller did not answer: it restarts, or the network
// is gone. What runs goes on meanwhile.
func unreachable(err error) bool {
	var failed *failure
	if !errors.As(err, &failed) {
		return false
	}
	for _, words := range []string{"Unable to contact slurm controller", "Socket timed out", "Connection refused", "in standby mode", "Zero Bytes were transmitted", "Communication connection failure"} {
		if strings.Contains(failed.said, words) {
			return true
		}
	}
	return false
}
