// Package guides_test executes the guides: every shell block of the English
// ones, as written. The other languages have the same blocks.
package guides_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var languages = []string{"en", "zh", "ko", "ja"}

// block is a fenced block of a page: "sh" is executed, "text" is what the block
// before it prints.
type block struct{ info, text string }

func blocks(t *testing.T, page string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	for line := range strings.Lines(string(text)) {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{info: strings.TrimSpace(info)}
		case fence:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil || len(all) == 0 {
		t.Fatalf("%s: no blocks, or one that does not end", page)
	}
	return all
}

func pages(t *testing.T, language string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(language)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTranslationsHaveTheSameBlocks(t *testing.T) {
	want := pages(t, "en")
	for _, language := range languages[1:] {
		if got := pages(t, language); !slices.Equal(got, want) {
			t.Errorf("%s has %q, en has %q", language, got, want)
			continue
		}
		for _, page := range want {
			here, english := blocks(t, filepath.Join(language, page)), blocks(t, filepath.Join("en", page))
			if !slices.Equal(here, english) {
				t.Errorf("%s/%s has other blocks than the English page", language, page)
			}
		}
	}
}
