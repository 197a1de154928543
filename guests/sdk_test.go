package guests_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wconf/wconf/hostfuncs"
)

// The SDKs declare every host function exactly as the one list has it, between
// two marks. `go test ./guests -run TestImports -update` writes them.
func TestImports(t *testing.T) {
	for file, declare := range map[string]func(hostfuncs.Function) string{
		"sdk/c/wconf.h": inC, "sdk/rust/wconf.rs": inRust, "sdk/go/wconf.go": inGo,
		"sdk/assemblyscript/wconf.ts": inAssemblyScript, "sdk/zig/wconf.zig": inZig,
	} {
		text := string(read(t, file))
		head, between, tail := marked(t, file, text)
		want := ""
		for _, f := range hostfuncs.All() {
			want += declare(f)
		}
		if strings.HasSuffix(file, ".go") {
			want += "\n" // gofmt has it so
		}
		if *update {
			write(t, file, head+want+tail)
		} else if between != want {
			t.Errorf("%s: make generate writes\n%s", file, want)
		}
	}
	if *update { // a module of its own, which cannot be embedded
		write(t, starterSDK, string(read(t, "sdk/go/wconf.go")))
	}
}

// marked is what stands before, between and behind the marks of a file. Each
// mark is the end of its line, or almost.
func marked(t *testing.T, file, text string) (head, between, tail string) {
	t.Helper()
	from := strings.Index(text, "generated from package hostfuncs: make generate")
	to := strings.Index(text, "end of what is generated")
	if from < 0 || to < from {
		t.Fatalf("%s has no marks", file)
	}
	from += strings.IndexByte(text[from:], '\n') + 1
	to = strings.LastIndexByte(text[:to], '\n') + 1
	return text[:from], text[from:to], text[to:]
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
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
	return fmt.Sprintf("WC_IMPORT(%s) %s wc_%s_(%s);\n", f.Name, result, f.Name,
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
	return fmt.Sprintf("        pub fn %s(%s)%s;\n", f.Name, args(f, "NAME: *const u8, NAME_len: usize", "NAME: *mut u8, cap: usize", "NAME: i32"), result)
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
	return fmt.Sprintf("    pub extern %q fn %s(%s) %s;\n", hostfuncs.Module, f.Name,
		args(f, "NAME: [*]const u8, NAME_len: usize", "NAME: [*]u8, cap: usize", "NAME: i32"), result)
}

func inGo(f hostfuncs.Function) string {
	result := ""
	if f.Gives {
		result = " int32"
	}
	return fmt.Sprintf("\n//go:wasmimport %s %s\n//go:noescape\nfunc host%s(%s)%s\n", hostfuncs.Module, f.Name,
		strings.ToUpper(f.Name[:1])+f.Name[1:], args(f, "NAME string", "NAME unsafe.Pointer, cap uint32", "NAME int32"), result)
}

const starterSDK = "new/go/src/wconf/wconf.go.txt"

// New Go guests come with the SDK as it is here.
func TestStarterSDK(t *testing.T) {
	if string(read(t, starterSDK)) != string(read(t, "sdk/go/wconf.go")) {
		t.Errorf("%s is not sdk/go/wconf.go; make generate", starterSDK)
	}
}
