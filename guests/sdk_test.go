package guests_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wconf/wconf/hostfuncs"
)

// Each SDK declares every host function exactly as the one list has it.
func TestSDKsDeclareEveryFunction(t *testing.T) {
	for file, declare := range map[string]func(hostfuncs.Function) string{
		"sdk/c/wconf.h": inC, "sdk/rust/wconf.rs": inRust, "sdk/go/wconf.go": inGo,
		"sdk/assemblyscript/wconf.ts": inAssemblyScript, "sdk/zig/wconf.zig": inZig,
	} {
		text := string(read(t, file))
		for _, f := range hostfuncs.All() {
			if want := declare(f); !strings.Contains(text, want) {
				t.Errorf("%s misses\n%s", file, want)
			}
		}
	}
}

// args joins a function's arguments, written in a language's way.
func args(f hostfuncs.Function, text, buffer, number string) string {
	var list []string
	for _, a := range f.Args {
		switch a.Kind {
		case hostfuncs.Text:
			list = append(list, strings.ReplaceAll(text, "NAME", a.Name))
		case hostfuncs.Buffer:
			list = append(list, strings.ReplaceAll(buffer, "NAME", a.Name))
		case hostfuncs.Number:
			list = append(list, strings.ReplaceAll(number, "NAME", a.Name))
		}
	}
	return strings.Join(list, ", ")
}

func inC(f hostfuncs.Function) string {
	result := "void"
	if f.Gives {
		result = "int"
	}
	if f.Name == "fail" {
		result = "__attribute__((noreturn)) void"
	}
	return fmt.Sprintf("WC_IMPORT(%s) %s wc_%s_(%s);", f.Name, result, f.Name,
		args(f, "const char *NAME, wc_u32 NAME_len", "char *NAME, wc_u32 cap", "int NAME"))
}

func inRust(f hostfuncs.Function) string {
	result := ""
	if f.Gives {
		result = " -> i32"
	}
	if f.Name == "fail" {
		result = " -> !"
	}
	return fmt.Sprintf("pub fn %s(%s)%s;", f.Name, args(f, "NAME: *const u8, NAME_len: usize", "NAME: *mut u8, cap: usize", "NAME: i32"), result)
}

func inAssemblyScript(f hostfuncs.Function) string {
	result := "void"
	if f.Gives {
		result = "i32"
	}
	return fmt.Sprintf("@external(%q, %q)\nexport declare function host_%s(%s): %s;\n", hostfuncs.Module, f.Name, f.Name,
		args(f, "NAME: usize, NAME_len: usize", "NAME: usize, cap: usize", "NAME: i32"), result)
}

func inZig(f hostfuncs.Function) string {
	result := "void"
	if f.Gives {
		result = "i32"
	}
	if f.Name == "fail" {
		result = "noreturn"
	}
	return fmt.Sprintf("extern %q fn %s(%s) %s;\n", hostfuncs.Module, f.Name,
		args(f, "NAME: [*]const u8, NAME_len: usize", "NAME: [*]u8, cap: usize", "NAME: i32"), result)
}

func inGo(f hostfuncs.Function) string {
	result := ""
	if f.Gives {
		result = " int32"
	}
	return fmt.Sprintf("//go:wasmimport %s %s\n//go:noescape\nfunc host%s(%s)%s\n", hostfuncs.Module, f.Name,
		strings.ToUpper(f.Name[:1])+f.Name[1:], args(f, "NAME string", "NAME unsafe.Pointer, cap uint32", "NAME int32"), result)
}

// New Go guests come with the SDK as it is here: a module of its own, which
// cannot be embedded.
func TestStarterSDK(t *testing.T) {
	if string(read(t, "new/go/src/wconf/wconf.go.txt")) != string(read(t, "sdk/go/wconf.go")) {
		t.Error("cp sdk/go/wconf.go new/go/src/wconf/wconf.go.txt")
	}
}
