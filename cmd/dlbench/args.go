package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves flags before the arguments of a command, because the
// command-line library stops reading flags at the first argument, and people
// write `dlbench report result.json -o report.html`.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	head, rest := args[:1:1], args[1:]
	commands, flags := app.Commands, app.Flags
	for len(rest) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(rest[0]) })
		if i < 0 {
			break
		}
		head, rest = append(head, rest[0]), rest[1:]
		commands, flags = commands[i].Subcommands, commands[i].Flags
	}
	var first, last []string
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		switch {
		case word == "--":
			return append(append(append(head, first...), "--"), append(last, rest...)...)
		case len(word) < 2 || word[0] != '-':
			last = append(last, word)
		default:
			first = append(first, word)
			if takesValue(flags, word) && len(rest) > 0 {
				first, rest = append(first, rest[0]), rest[1:]
			}
		}
	}
	return append(append(head, first...), last...)
}

// takesValue says whether the next word belongs to a flag.
func takesValue(flags []cli.Flag, word string) bool {
	name := strings.TrimLeft(word, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			_, isSwitch := f.(*cli.BoolFlag)
			return !isSwitch
		}
	}
	return false
}
