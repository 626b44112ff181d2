package protocol

import "fmt"

// Error makes a runner's refusal an error of this program.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}
