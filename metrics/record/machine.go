package record

import "regexp"

// LabelForm says what the name of a machine or a branch looks like.
const LabelForm = "at most 100 letters, digits and any of . _ / + : @ -, a letter or digit first"

var labelForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/+:@-]{0,99}$`)

// ValidLabel says whether a name can be a machine's or a branch's; none is valid.
func ValidLabel(name string) bool { return name == "" || labelForm.MatchString(name) }

// SameMachine says whether two records are of one machine: by the name that was
// given to it, else by the fingerprint of its hardware, else by the host's name.
func SameMachine(a, b Environment) bool {
	switch {
	case a.Machine != "" && b.Machine != "":
		return a.Machine == b.Machine
	case a.Fingerprint != "" && b.Fingerprint != "":
		return a.Fingerprint == b.Fingerprint
	}
	return a.Host == b.Host
}

// MachineName is what a person calls the machine: the name that was given to
// it, else the host's.
func (e Environment) MachineName() string {
	if e.Machine != "" {
		return e.Machine
	}
	return e.Host
}
