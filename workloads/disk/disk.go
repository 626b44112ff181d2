// Package disk tells what room there is for files that are still to be written.
package disk

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Free is the room, for this user, on the disk that a directory is on, or will be
// on, and what that disk is called, the same for directories on one disk; false
// if the system does not tell.
func Free(dir string) (disk string, bytes int64, ok bool) {
	var stat unix.Stat_t
	for unix.Stat(dir, &stat) != nil {
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", 0, false
		}
		dir = parent
	}
	var fs unix.Statfs_t
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR || unix.Statfs(dir, &fs) != nil {
		return "", 0, false
	}
	return fmt.Sprint(stat.Dev), int64(fs.Bavail) * fs.Bsize, true
}
