package nights

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// notifyTime is what the user's command may take.
const notifyTime = time.Minute

// notify tells the user by their own command, also after an interruption.
func (n *night) notify(ctx context.Context, wrong error) error {
	if n.Notification == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTime)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", n.Notification)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is not the command's
	command.Env = append(slices.Clone(n.Environ), "DLBENCH_EXIT="+fmt.Sprint(n.Job.Exit(wrong)), "DLBENCH_NIGHT="+n.dir(),
		"DLBENCH_HEADLINE="+oneLine(wrong.Error()))
	command.Stdin = strings.NewReader(n.summary(wrong))
	command.WaitDelay = time.Second
	if out, err := command.CombinedOutput(); err != nil {
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		return fmt.Errorf("--notify: %w: %s", err, lines[len(lines)-1])
	}
	return nil
}

// summary is the notification's text.
func (n *night) summary(wrong error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "dlbench nightly, suite %s, %s, exit %d\n\n%s\n\n", n.Night.Suite, n.Began.Format("2006-01-02 15:04 MST"), n.Job.Exit(wrong), wrong)
	for _, p := range n.told() {
		_ = p.report.Markdown(&b) // a builder takes everything
	}
	fmt.Fprintf(&b, "files: %s\n", n.dir())
	return b.String()
}

// told are the parts whose checks are told: that of all of the night, or those in
// which something is wrong.
func (n *night) told() []*part {
	var told []*part
	for _, p := range n.parts {
		if p.report != nil && (p.wrong != nil || len(n.parts) == 1) && len(told) < mostWrong {
			told = append(told, p)
		}
	}
	return told
}
