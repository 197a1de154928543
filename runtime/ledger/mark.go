package ledger

import "strings"

// Lengths of the two hashes in a mark, in hexadecimal digits.
const (
	markResource = 16
	markContent  = 64
)

// MarkFor is the value of a debt's mark on a file: whose it is, and for which
// content. A mark that fits neither is somebody else's.
func MarkFor(resource, hash string) string { return resourceHash(resource) + ":" + hash }

func resourceHash(resource string) string { return Hash([]byte(resource))[:markResource] }

// Mark is a mark that was read from a file.
type Mark struct {
	resource string // its hash
	Content  string // the hash of the content that is owed a reload
}

// ParseMark reads a mark; false when MarkFor did not write it.
func ParseMark(value string) (Mark, bool) {
	resource, content, ok := strings.Cut(value, ":")
	if !ok || !hexadecimal(resource, markResource) || !hexadecimal(content, markContent) {
		return Mark{}, false
	}
	return Mark{resource: resource, Content: content}, true
}

// Of says whether the mark is this resource's.
func (m Mark) Of(resource string) bool { return m.resource == resourceHash(resource) }

func hexadecimal(text string, length int) bool {
	return len(text) == length && strings.Trim(text, "0123456789abcdef") == ""
}
