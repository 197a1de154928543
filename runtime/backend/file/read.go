package file

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

const (
	maxFile = 64 << 20
	looks   = 3 // how often files that change while they are read are read again
)

// errRestless is returned when the files never stand still while they are read.
var errRestless = errors.New("the files change while they are read")

// read reads all files, as they stood at one moment.
func (f *files) read(ctx context.Context) (content, error) {
	for range looks {
		before, err := f.find()
		if err != nil {
			return content{}, fmt.Errorf("look for keys: %w", err)
		}
		c, err := f.readAll(ctx, before)
		after, gone := f.find()
		if gone != nil || !slices.EqualFunc(before, after, found.same) || err == errRestless {
			continue
		}
		return c, err
	}
	return content{}, errRestless
}

func (f *files) readAll(ctx context.Context, all []found) (content, error) {
	c := content{filled: map[string]struct{}{}}
	var at map[string]int // key → index in c.pairs
	for _, file := range all {
		if ctx.Err() != nil {
			return content{}, context.Cause(ctx)
		}
		text, err := f.text(ctx, file)
		switch {
		case err == errRestless:
			return content{}, err
		case err != nil:
			return content{}, fmt.Errorf("read keys: %w", err)
		}
		pairs, err := parse(file.path, text)
		if err != nil {
			return content{}, err
		}
		if len(text) > 0 {
			c.filled[file.path] = struct{}{}
		}
		if c.pairs == nil { // most often there is one file, in which each key stands once
			c.pairs = pairs
			continue
		}
		if at == nil {
			at = make(map[string]int, len(c.pairs)+len(pairs))
			for i, p := range c.pairs {
				at[p.Key] = i
			}
		}
		for _, p := range pairs {
			if i, ok := at[p.Key]; ok {
				c.pairs[i].Value = p.Value
				continue
			}
			at[p.Key] = len(c.pairs)
			c.pairs = append(c.pairs, p)
		}
	}
	return c, nil
}

func parse(path string, text []byte) ([]kv.Pair, error) {
	flat, err := formats.Flatten(formats.OfFile(path), text)
	if err != nil {
		if p, ok := errors.AsType[*problem.Problem](err); ok {
			p.File = cmp.Or(p.File, path)
			return nil, p
		}
		return nil, fmt.Errorf("read keys of %s: %w", path, err)
	}
	pairs := make([]kv.Pair, len(flat))
	for i, p := range flat {
		pairs[i] = kv.Pair(p)
	}
	return pairs, nil
}

// text is what a file says. A pipe (-file <(generate)) says it once, and is
// remembered.
func (f *files) text(ctx context.Context, file found) ([]byte, error) {
	if file.info.Mode().IsRegular() {
		return slurp(ctx, file)
	}
	f.mu.Lock()
	text, ok := f.pipes[file.path]
	f.mu.Unlock()
	if ok {
		return text, nil
	}
	text, err := slurp(ctx, file)
	if err == nil {
		f.mu.Lock()
		f.pipes[file.path] = text
		f.mu.Unlock()
	}
	return text, err
}

// slurp reads the file that was found, and no other that has come to bear its
// name since.
func slurp(ctx context.Context, file found) ([]byte, error) {
	in, err := openWithin(ctx, file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !os.SameFile(info, file.info) {
		return nil, errRestless
	}
	stop := context.AfterFunc(ctx, func() { in.Close() }) // a pipe may never end
	defer stop()
	var whole bytes.Buffer
	whole.Grow(int(min(file.info.Size(), maxFile)) + bytes.MinRead)
	_, err = whole.ReadFrom(io.LimitReader(in, maxFile+1))
	text := whole.Bytes()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, &problem.Problem{Code: problem.FormatInvalid, File: file.path, Msg: fmt.Sprintf("the file is larger than %d bytes", maxFile)}
	}
	return text, nil
}

// openWithin opens a file. Opening a named pipe waits until somebody writes to
// it, which may be never.
func openWithin(ctx context.Context, file found) (*os.File, error) {
	if file.info.Mode().IsRegular() {
		return os.Open(file.path)
	}
	type opened struct {
		in  *os.File
		err error
	}
	result := make(chan opened, 1)
	go func() {
		in, err := os.Open(file.path)
		result <- opened{in, err}
	}()
	select {
	case o := <-result:
		return o.in, o.err
	case <-ctx.Done():
		go func() { // whenever it opens, nobody wants it any more
			if o := <-result; o.in != nil {
				o.in.Close()
			}
		}()
		return nil, fmt.Errorf("%s: nobody writes to this pipe: %w", file.path, context.Cause(ctx))
	}
}
