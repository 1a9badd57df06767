package loggen

import "strconv"

// object writes the members of one JSON object, without white space, in the order of the calls.
type object struct {
	buf []byte
}

func (o *object) key(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(quote(o.buf, name), ':')
}

func (o *object) str(name, value string) *object {
	o.key(name)
	o.buf = quote(o.buf, value)
	return o
}

func (o *object) num(name string, value int) *object {
	o.key(name)
	o.buf = strconv.AppendInt(o.buf, int64(value), 10)
	return o
}

// raw writes a value that is JSON already.
func (o *object) raw(name, value string) *object {
	o.key(name)
	o.buf = append(o.buf, value...)
	return o
}

// hundredths writes value/100 as ECMAScript prints that number, for 0 <= value < 100.
func (o *object) hundredths(name string, value int) *object {
	o.key(name)
	switch {
	case value == 0:
		o.buf = append(o.buf, '0')
	case value%10 == 0:
		o.buf = append(o.buf, '0', '.', byte('0'+value/10))
	default:
		o.buf = append(o.buf, '0', '.', byte('0'+value/10), byte('0'+value%10))
	}
	return o
}

func (o *object) list(name string, values ...string) *object {
	o.key(name)
	o.buf = append(o.buf, '[')
	for i, v := range values {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = quote(o.buf, v)
	}
	o.buf = append(o.buf, ']')
	return o
}

// quote appends s as JSON.stringify writes it. The vocabulary holds no control character but the
// line feed and the tab.
func quote(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
