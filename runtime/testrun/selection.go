package testrun

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// Selection is which cases run. The zero value is all of them.
type Selection struct {
	Run  *regexp.Regexp // on the name, or "file#case/row"; nil: all
	Skip *regexp.Regexp // nil: none
	// Tags are alternatives, each a list of tags separated by commas that a
	// case must all have; "!" before a tag: must not have.
	Tags []string
}

func (s Selection) takes(r *Row) bool {
	matches := func(re *regexp.Regexp) bool { return re.MatchString(r.Title) || re.MatchString(r.Address()+"/"+r.ID) }
	if s.Run != nil && !matches(s.Run) || s.Skip != nil && matches(s.Skip) {
		return false
	}
	if len(s.Tags) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Tags, func(all string) bool { return hasTags(r.AllTags(), all) })
}

func hasTags(tags []string, all string) bool {
	for want := range strings.SplitSeq(all, ",") {
		want = strings.TrimSpace(want)
		tag, not := strings.CutPrefix(want, "!")
		if slices.Contains(tags, tag) == not {
			return false
		}
	}
	return true
}

// skipped says why a row does not run, or nothing.
func (r *runner) skipped(row *Row) string {
	for _, tag := range row.AllTags() {
		if tool, ok := strings.CutPrefix(tag, "needs:"); ok {
			if _, err := exec.LookPath(tool); err != nil {
				return tag
			}
		}
	}
	switch {
	case row.Skip != "":
		return row.Skip
	case r.opt.Now.Before(row.SkipUntil):
		return "until " + row.SkipUntil.Format("2006-01-02")
	case len(row.Run) > 0 && !r.opt.AllowExec:
		return "runs the real " + strings.Join(row.Run, ", ") + "; needs --allow-exec"
	}
	return ""
}
