package gate

var diffWords = []Word{
	{
		Name: "diff.added", Signature: "diff.added integer",
		Doc:      "Lines of the new file that the old one does not have. The old file is the one that the running service loaded; in a guard it is the one on disk.",
		Examples: []Example{{`diff.added > diff.removed`, "now"}}, needs: needBytes,
	},
	{
		Name: "diff.removed", Signature: "diff.removed integer", Doc: "Lines of the old file that the new one does not have.",
		Examples: []Example{{`diff.removed * 2 > diff.added`, "skip"}}, needs: needBytes,
	},
	{
		Name: "diff.significant", Signature: "diff.significant integer",
		Doc:      "Added and removed lines that are neither blank nor a comment. What a comment is depends on the name of the destination: `#` for most, `;` too for .ini, `//` for .js, and so on; where wconf does not know the type, every line that is not blank counts.",
		Examples: []Example{{`diff.significant > 0`, "now"}}, needs: needBytes,
	},
	{
		Name: "diff.ratio", Signature: "diff.ratio number", Doc: "Added and removed lines as a part of all lines of both files, 0 to 1.",
		Examples: []Example{{`diff.ratio > 0.10`, "skip"}}, needs: needBytes,
	},
	{
		Name: "diff.bytes", Signature: "diff.bytes integer", Doc: "The size of the new file.",
		Examples: []Example{{`diff.bytes > 0`, "now"}}, needs: needBytes,
	},
	{
		Name: "diff.lines", Signature: "diff.lines list of texts", Doc: "The lines, each with its sign: `+server 10.0.0.2;`, `-server 10.0.0.1;`.",
		Examples: []Example{{`any(diff.lines, # contains "worker_processes")`, "skip"}}, needs: needBytes,
	},
	{
		Name: "diffHas", Signature: `diffHas("regular expression") bool`,
		Doc:      "Whether one of diff.lines matches a regular expression (RE2, at most 256 bytes). Begin it with `^[+-]`.",
		Examples: []Example{{`diffHas("^[+-]\\s*(worker_processes|user)\\b")`, "skip"}, {`diffHas("^[+]\\s*server ")`, "now"}},
		bind:     func(j *judgement) any { return j.diffHas }, needs: needBytes,
	},
}

func (j *judgement) diffHas(p *pattern) (bool, error) {
	for _, line := range j.in.Diff.Lines {
		if err := j.late(); err != nil {
			return false, err
		}
		if ok, err := p.match(j.late, line); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}
