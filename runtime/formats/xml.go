package formats

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// checkXML reads one element with everything in it; around it only comments,
// processing instructions, a document type and blanks may stand.
func checkXML(text string) *problem.Problem {
	if p := tooLarge(problem.FormatInvalid, "an XML text", len(text), maxStream); p != nil {
		return p
	}
	dec := xml.NewDecoder(strings.NewReader(text))
	dec.CharsetReader = charset
	depth, roots := 0, 0
	for {
		offset := int(dec.InputOffset())
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return xmlProblem(text, int(dec.InputOffset()), err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth++; depth == 1 {
				roots++
			}
			if roots > 1 {
				return invalid("XML", text, offset, "a second root element")
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(bytes.TrimPrefix(t, []byte(bom)))) > 0 {
				return invalid("XML", text, offset, "text outside of the root element")
			}
		}
	}
	if roots == 0 {
		return invalid("XML", text, len(text), "no element")
	}
	return nil
}

func xmlProblem(text string, offset int, err error) *problem.Problem {
	msg := err.Error()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		msg, _, _ = strings.Cut(syntax.Msg, ": ") // a name may follow, in no quotes
	}
	return invalid("XML", text, offset, msg)
}

// charset reads the encodings whose bytes are the first runes of Unicode;
// structure is all that is looked at, so the few others of windows-1252 do no
// harm.
func charset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252":
		return &latin{in: bufio.NewReader(in)}, nil
	}
	return nil, fmt.Errorf("the encoding is not supported; UTF-8, US-ASCII, ISO-8859-1 and windows-1252 are")
}

type latin struct {
	in   *bufio.Reader
	rest []byte
}

// Read turns each byte into the rune of that number.
func (l *latin) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		c, err := l.in.ReadByte()
		if err != nil {
			return 0, err
		}
		l.rest = []byte(string(rune(c)))
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
