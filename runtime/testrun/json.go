package testrun

import (
	"encoding/json"
	"io"
)

// WriteJSON writes a report as one JSON object.
func WriteJSON(w io.Writer, r *Report) error {
	passed, failed, skipped, broken := r.Counts()
	out := jsonReport{Format: 1, Passed: passed, Failed: failed, Skipped: skipped, Broken: broken, Seconds: r.Took.Seconds(), Goldens: r.Goldens, Files: []jsonFile{}}
	for _, f := range r.Files {
		out.Files = append(out.Files, jsonOf(f))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

type jsonReport struct {
	Format  int        `json:"format"` // of this object
	Passed  int        `json:"passed"`
	Failed  int        `json:"failed"`
	Skipped int        `json:"skipped"`
	Broken  int        `json:"broken"` // files that do not load
	Seconds float64    `json:"seconds"`
	Goldens []string   `json:"goldens_written,omitempty"`
	Files   []jsonFile `json:"files"`
}

type jsonFile struct {
	Path     string     `json:"path"`
	Name     string     `json:"name,omitempty"`
	Problems []string   `json:"problems,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
	Cases    []jsonCase `json:"cases"`
}

type jsonCase struct {
	Name     string        `json:"name"`
	Line     int           `json:"line"`
	Tags     []string      `json:"tags,omitempty"`
	Outcome  Outcome       `json:"outcome,omitempty"`
	Why      string        `json:"why,omitempty"`
	Seconds  float64       `json:"seconds"`
	Failures []jsonFailure `json:"failures,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
	Address  string        `json:"address"`
}

type jsonFailure struct {
	Step    string   `json:"step,omitempty"`
	Message string   `json:"message"`
	At      string   `json:"at"`
	Detail  []string `json:"detail,omitempty"`
}

func jsonOf(f *FileReport) jsonFile {
	out := jsonFile{Path: f.Path, Name: f.Name, Warnings: f.Warnings, Cases: []jsonCase{}}
	for _, err := range f.Broken {
		out.Problems = append(out.Problems, err.Error())
	}
	for _, r := range f.Results {
		c := jsonCase{Name: r.Title, Line: r.Line, Tags: r.Tags, Outcome: r.Outcome, Why: r.Why, Seconds: r.Took.Seconds(), Warnings: r.Warnings, Address: r.Address()}
		for _, x := range r.Failures {
			c.Failures = append(c.Failures, jsonFailure{x.Step, x.Msg, x.Place, x.Detail})
		}
		out.Cases = append(out.Cases, c)
	}
	return out
}
