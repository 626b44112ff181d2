package sample

import "fmt"

// Target names the runner to meter, as the engine knows it.
type Target struct {
	PID    int    // on this machine; 0 when unknown
	Cgroup string // path inside the hierarchy; empty when it has none of its own
}

// Runner meters a runner by its control group or, when it has none or that
// cannot be read, by its processes. When neither can be read, every reading is
// the reason.
func Runner(root string, target Target) Source {
	reason := errNoGroup
	if target.Cgroup != "" {
		group, err := OpenCgroup(root, target.Cgroup)
		if err == nil {
			return group
		}
		reason = err
	}
	tree, err := OpenProcesses(root, target.PID)
	if err != nil {
		if target.Cgroup != "" {
			err = fmt.Errorf("%w; and %w", reason, err)
		}
		return absent{channels: runnerChannels(), reason: err}
	}
	tree.noGroup = reason
	return tree
}

// absent is a source that cannot be read.
type absent struct {
	channels []Channel
	reason   error
}

// Absent is a source of these channels that misses them all for a reason.
func Absent(reason error, channels ...Channel) Source {
	return absent{channels: channels, reason: reason}
}

func (a absent) Channels() []Channel { return a.channels }

func (a absent) Read(into []Reading) {
	for i := range into {
		into[i].Err = a.reason
	}
}
