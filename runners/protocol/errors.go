package protocol

import "fmt"

// Error makes a runner's refusal an error of this program.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Lacking says that the runner or its device has no such thing, so that nothing
// failed.
func (e *Error) Lacking() bool { return e.Code == Unsupported || e.Code == DeviceUnavailable }
