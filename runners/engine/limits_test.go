package engine

import (
	"slices"
	"testing"
)

// A pool of a thread for each processor must start on every machine.
func TestLimitsGrowWithTheMachine(t *testing.T) {
	for name, tt := range map[string]struct {
		machine machine
		spec    Spec
		want    []string
	}{
		"two processors": {machine{cpus: 2}, Spec{MemoryBytes: 20 << 30},
			[]string{"--pids-limit=1024", "--ulimit=nproc=8192:8192", "--ulimit=nofile=1024:4096", "--tmpfs=/tmp:rw,nosuid,nodev,size=1073741824,mode=1777", "--shm-size=67108864"}},
		"384 processors": {machine{cpus: 384}, Spec{MemoryBytes: 1 << 40},
			[]string{"--pids-limit=6144", "--ulimit=nproc=24576:24576", "--ulimit=nofile=6144:24576", "--tmpfs=/tmp:rw,nosuid,nodev,size=34359738368,mode=1777", "--shm-size=6442450944"}},
		"a user who may not raise them": {machine{cpus: 384, nproc: 4096, files: 4096}, Spec{}, []string{"--ulimit=nproc=4096:4096", "--ulimit=nofile=4096:4096"}},
		"what is asked for":             {machine{cpus: 384}, Spec{PIDs: 77, TmpfsBytes: 8 << 20, FileBytes: 1 << 20}, []string{"--pids-limit=77", "--ulimit=fsize=1048576:1048576", "--tmpfs=/tmp:rw,nosuid,nodev,size=8388608,mode=1777"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := (&CLI{dialect: docker, machine: tt.machine}).createArguments(tt.spec)
			for _, want := range tt.want {
				if !slices.Contains(args, want) {
					t.Errorf("%s is not among %q", want, args)
				}
			}
		})
	}
	if n := onlineCPUs(); n < 1 {
		t.Errorf("%d processors are online", n)
	}
}
