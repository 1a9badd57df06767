package index

// long marks a gram of six bytes; below it are those of three.
const long = 1 << 48

// gramsOf gives what a filter knows of a text, as numbers, in the order in which they end and each as
// often as it occurs: every three bytes in a row, and every six letters or digits in a row with a digit
// among them. The three digits of an id are in every frame that has ids, six of them are in few.
func gramsOf[T []byte | string](text T) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		var last uint64         // six bytes
		run, sinceDigit := 0, 6 // letters and digits up to here, and how many since the last digit
		for i := range len(text) {
			c := text[i]
			last = last<<8&(long-1) | uint64(c)
			if i >= 2 && !yield(last&(1<<24-1)) {
				return
			}
			switch kind := classes[c]; {
			case kind == 0:
				run, sinceDigit = 0, 6
				continue
			case kind == digit:
				sinceDigit = 0
			default:
				sinceDigit++
			}
			if run++; run >= 6 && sinceDigit < 6 && !yield(long|last) {
				return
			}
		}
	}
}

const letter, digit = 1, 2

// classes says of a byte whether it is a letter or a digit of ASCII.
var classes = func() (of [256]uint8) {
	for c := range of {
		switch {
		case '0' <= c && c <= '9':
			of[c] = digit
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			of[c] = letter
		}
	}
	return of
}()
