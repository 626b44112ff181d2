package sample

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Processes is the CPU time and memory of a process and its descendants, for a
// runner without a control group of its own.
//
// CPU time is utime + stime of each, and what their reaped children used, in
// ticks of 10 ms; the kernel scales both to the time that was really run, so
// that nothing is lost but the last tick. Memory is the sum of resident sets,
// which counts pages that processes share once for each.
type Processes struct {
	root    string
	pid     int
	members map[int]*member
	passes  int
	page    float64
	noGroup error // why throttling is not known
}

// member is one process of the tree.
type member struct {
	stat, status *kernelFile
}

// The sizes of /proc: the kernel reports times in USER_HZ, which is 100 on
// every architecture that dlbench runs on.
const (
	tickNS        = 1e9 / 100
	searchPasses  = 10 // passes between two searches for new children
	nothingToRead = "the engine names neither a control group nor a process of the runner"
)

// OpenProcesses opens the tree below a process whose /proc lies under root.
func OpenProcesses(root string, pid int) (*Processes, error) {
	if pid <= 0 {
		return nil, errors.New(nothingToRead)
	}
	p := &Processes{root: root, pid: pid, members: map[int]*member{}, page: float64(os.Getpagesize()), noGroup: errNoGroup}
	if err := p.join(pid); err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	return p, nil
}

func (p *Processes) folder(pid int) string { return filepath.Join(p.root, "proc", strconv.Itoa(pid)) }

// join adds a process to the tree.
func (p *Processes) join(pid int) error {
	if p.members[pid] != nil {
		return nil
	}
	stat, err := openKernelFile(filepath.Join(p.folder(pid), "stat"))
	if err != nil {
		return err
	}
	status, err := openKernelFile(filepath.Join(p.folder(pid), "status"))
	if err != nil {
		return errors.Join(err, stat.close())
	}
	p.members[pid] = &member{stat: stat, status: status}
	return nil
}

// leave forgets a process that ended. Its files were only read: that closing
// them fails changes nothing.
func (p *Processes) leave(pid int) {
	_ = p.members[pid].close()
	delete(p.members, pid)
}

// Channels are those of a Cgroup; throttled_ns always misses.
func (p *Processes) Channels() []Channel { return runnerChannels() }

// errNoGroup is why a process tree cannot tell throttling.
var errNoGroup = errors.New("the runner has no control group of its own")

// Read sums over the tree. A child that ended is left out: its parent's times
// hold its own from then on. The end of the first process is an error.
func (p *Processes) Read(into []Reading) {
	if p.passes%searchPasses == 0 {
		p.search(p.pid)
	}
	p.passes++
	var cpu, memory, peak float64
	for pid, m := range p.members {
		c, rss, hwm, err := m.read()
		if err != nil {
			if pid == p.pid {
				p.fail(into, fmt.Errorf("process %d: %w", pid, err))
				return
			}
			p.leave(pid)
			continue
		}
		cpu, memory, peak = cpu+c, memory+rss*p.page, peak+hwm
	}
	into[0].Value, into[1].Value, into[2].Value, into[3].Err = cpu*tickNS, memory, peak, p.noGroup
}

func (p *Processes) fail(into []Reading, err error) {
	for i := range into {
		into[i].Err = err
	}
}

// search adds the children of a process, and theirs. A kernel without
// CONFIG_PROC_CHILDREN names none; then only what they used until they ended
// is known.
func (p *Processes) search(pid int) {
	lists, err := filepath.Glob(filepath.Join(p.folder(pid), "task", "*", "children"))
	if err != nil {
		return
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread ended
		}
		for _, word := range bytes.Fields(text) {
			child, err := strconv.Atoi(string(word))
			if err == nil && p.join(child) == nil {
				p.search(child)
			}
		}
	}
}

// Positions in /proc/<pid>/stat after the command's closing parenthesis, from
// 0; proc_pid_stat(5) counts from 1 and from the number before it.
const (
	statState  = 0 // 3 - 3
	statParent = 4 - 3
	statUTime  = 14 - 3
	statCSTime = 17 - 3
	statRSS    = 24 - 3
)

// statWords are those of a stat from after the command on, up to one of the
// positions at least. A command may hold blanks and parentheses.
func statWords(path string, text []byte, last int) ([][]byte, error) {
	words := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(words) <= last {
		return nil, fmt.Errorf("%s is cut short", path)
	}
	return words, nil
}

// statTicks sums times of a stat.
func statTicks(path string, times [][]byte) (ticks float64, err error) {
	for _, word := range times {
		v, err := strconv.ParseFloat(string(word), 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %q is not a time", path, word)
		}
		ticks += v
	}
	return ticks, nil
}

// read is the CPU time in ticks, with that of reaped children, the resident
// set in pages and its largest size in bytes.
func (m *member) read() (ticks, pages, peak float64, err error) {
	text, err := m.stat.read()
	if err != nil {
		return 0, 0, 0, err
	}
	words, err := statWords(m.stat.path, text, statRSS)
	if err != nil {
		return 0, 0, 0, err
	}
	if ticks, err = statTicks(m.stat.path, words[statUTime:statCSTime+1]); err != nil {
		return 0, 0, 0, err
	}
	if pages, err = strconv.ParseFloat(string(words[statRSS]), 64); err != nil {
		return 0, 0, 0, fmt.Errorf("%s: %q is not a size", m.stat.path, words[statRSS])
	}
	kilobytes, err := m.status.field("VmHWM:")
	if err != nil {
		kilobytes = 0 // a process that ended and was not reaped yet has no memory
	}
	return ticks, pages, kilobytes * 1024, nil
}

func (m *member) close() error { return errors.Join(m.stat.close(), m.status.close()) }

// Close closes the tree's files.
func (p *Processes) Close() error {
	var err error
	for pid, m := range p.members {
		err = errors.Join(err, m.close())
		delete(p.members, pid)
	}
	return err
}
