package main

import (
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/config"
)

// The first page of help names flags that exist.
func TestFirstPage(t *testing.T) {
	for _, f := range everyday {
		name, _, _ := strings.Cut(f[0], " ")
		if _, ok := config.FindOption(name); !ok && name != "version" {
			t.Errorf("there is no flag %s", name)
		}
	}
}
