package metadata

import "unicode"

// naturalOrder compares keys as yaml.v2 sorts them: letters behind everything
// else, digits by the number that they make.
func naturalOrder(a, b string) int {
	ar, br := []rune(a), []rune(b)
	for i := 0; i < len(ar) && i < len(br); i++ {
		if ar[i] == br[i] {
			continue
		}
		aLetter, bLetter := unicode.IsLetter(ar[i]), unicode.IsLetter(br[i])
		switch {
		case aLetter && bLetter:
			return int(ar[i] - br[i])
		case aLetter:
			return 1
		case bLetter:
			return -1
		}
		an, aDigits := leadingNumber(ar[i:])
		bn, bDigits := leadingNumber(br[i:])
		switch {
		case an < bn || an == bn && aDigits < bDigits:
			return -1
		case an != bn || aDigits != bDigits:
			return 1
		}
		return int(ar[i] - br[i])
	}
	return len(ar) - len(br)
}

func leadingNumber(s []rune) (n int64, digits int) {
	for digits < len(s) && unicode.IsDigit(s[digits]) {
		n = n*10 + int64(s[digits]-'0')
		digits++
	}
	return n, digits
}
