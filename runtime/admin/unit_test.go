package admin

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/config"
)

// unit is the settings of the unit that is shipped.
func unit(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../packaging/systemd/wconf.service")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			settings[name] = value
		}
	}
	return settings
}

// The unit starts wconf with options that it has.
func TestUnit(t *testing.T) {
	u := unit(t)
	words := strings.Fields(u["ExecStart"])
	if len(words) < 2 || words[0] != "/usr/bin/wconf" || words[1] != "run" {
		t.Fatalf("ExecStart=%s", u["ExecStart"])
	}
	flags := 0
	for _, w := range words[2:] {
		name, isFlag := strings.CutPrefix(w, "-")
		if !isFlag {
			continue
		}
		flags++
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if o, known := config.FindOption(name); !known || o.Ignored() {
			t.Errorf("there is no option %s", w)
		}
	}
	if flags == 0 {
		t.Error("the unit sets no option")
	}
	if u["Type"] != "notify" || u["ExecReload"] != "/bin/kill -HUP $MAINPID" {
		t.Errorf("Type=%s ExecReload=%s", u["Type"], u["ExecReload"])
	}
}

// Its times fit the defaults of wconf.
func TestUnitTimes(t *testing.T) {
	u := unit(t)
	shutdown, _ := config.FindOption("shutdown-timeout")
	if grace, stop := duration(t, shutdown.Default), duration(t, u["TimeoutStopSec"]); stop <= grace {
		t.Errorf("TimeoutStopSec=%s, but a reload may go on for %s", stop, grace)
	}
	if dog := duration(t, u["WatchdogSec"]); dog < 2*stuckAfter {
		t.Errorf("WatchdogSec=%s is less than twice the %s after which a loop counts as stuck", dog, stuckAfter)
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
