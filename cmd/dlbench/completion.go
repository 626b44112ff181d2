package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// The scripts ask dlbench itself, by the flag that the command-line library
// answers with the words that may follow.
var completions = map[string]string{
	"bash": `_dlbench() {
  local words
  words=$("${COMP_WORDS[@]:0:$COMP_CWORD}" "${COMP_WORDS[COMP_CWORD]}" --generate-bash-completion 2>/dev/null)
  [[ ${COMP_WORDS[COMP_CWORD]} == -* ]] || words=$("${COMP_WORDS[@]:0:$COMP_CWORD}" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o bashdefault -o default -F _dlbench dlbench
`,
	"zsh": `#compdef dlbench
_dlbench() {
  local -a words
  words=("${(@f)$(${words[1,CURRENT-1]} --generate-bash-completion 2>/dev/null)}")
  compadd -a words
}
compdef _dlbench dlbench
`,
	"fish": `complete -c dlbench -f -a '(set -l words (commandline -opc); $words --generate-bash-completion 2>/dev/null)'
`,
}

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell: bash, zsh or fish",
		ArgsUsage: "SHELL",
		Action: func(c *cli.Context) error {
			script, ok := completions[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return unknown("shell", c.Args().First(), []string{"bash", "fish", "zsh"})
			}
			_, err := fmt.Fprint(p.stdout, script)
			return err
		},
	}
}
