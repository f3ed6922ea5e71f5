package ampoule

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The host refuses deeper answers as well.
const maxDepth = 64

// decode reads MessagePack without extension types into nil, bool, int64, float64, string, []byte, []any and map[string]any.
// Lengths are checked against what is left, depth against maxDepth.
func decode(bytes []byte) (value any, err error) {
	r := &reader{rest: bytes}
	defer func() {
		// take is called in too many places for an error each.
		if failure, ok := recover().(malformed); ok {
			value, err = nil, invalid(string(failure))
		}
	}()
	value = r.value(0)
	if len(r.rest) != 0 {
		return nil, invalid("bytes after the end of the event")
	}
	return value, nil
}

type malformed string

type reader struct{ rest []byte }

func (r *reader) take(length int) []byte {
	if length < 0 || length > len(r.rest) {
		panic(malformed("the event ends too early"))
	}
	taken := r.rest[:length:length]
	r.rest = r.rest[length:]
	return taken
}

func (r *reader) unsigned(size int) uint64 {
	var value uint64
	for _, b := range r.take(size) {
		value = value<<8 | uint64(b)
	}
	return value
}

func (r *reader) length(size int) int { return int(r.unsigned(size)) }

func (r *reader) value(depth int) any {
	if depth > maxDepth {
		panic(malformed("the event is nested too deep"))
	}
	code := int(r.take(1)[0])
	switch {
	case code < 0x80:
		return int64(code)
	case code >= 0xe0:
		return int64(code - 0x100)
	case code < 0x90:
		return r.object(code&15, depth)
	case code < 0xa0:
		return r.array(code&15, depth)
	case code < 0xc0:
		return string(r.take(code & 31))
	case code == 0xc0:
		return nil
	case code == 0xc2, code == 0xc3:
		return code == 0xc3
	case code >= 0xc4 && code <= 0xc6:
		return r.take(r.length(1 << (code - 0xc4)))
	case code == 0xca:
		return float64(math.Float32frombits(uint32(r.unsigned(4))))
	case code == 0xcb:
		return math.Float64frombits(r.unsigned(8))
	case code >= 0xcc && code <= 0xcf:
		if n := r.unsigned(1 << (code - 0xcc)); n <= math.MaxInt64 {
			return int64(n)
		} else {
			return float64(n)
		}
	case code >= 0xd0 && code <= 0xd3:
		size := 1 << (code - 0xd0)
		unused := 64 - 8*size
		return int64(r.unsigned(size)<<unused) >> unused
	case code >= 0xd9 && code <= 0xdb:
		return string(r.take(r.length(1 << (code - 0xd9))))
	case code == 0xdc, code == 0xdd:
		return r.array(r.length(2<<(code-0xdc)), depth)
	case code == 0xde, code == 0xdf:
		return r.object(r.length(2<<(code-0xde)), depth)
	}
	panic(malformed("the event has an extension type"))
}

// Every item takes a byte at least, so a larger count is a lie.
func (r *reader) counted(items, bytesEach int) {
	if items < 0 || items > len(r.rest)/bytesEach {
		panic(malformed("the event ends too early"))
	}
}

func (r *reader) array(items, depth int) []any {
	r.counted(items, 1)
	list := make([]any, items)
	for i := range list {
		list[i] = r.value(depth + 1)
	}
	return list
}

func (r *reader) object(entries, depth int) map[string]any {
	r.counted(entries, 2)
	object := make(map[string]any, entries)
	for range entries {
		key, ok := r.value(depth + 1).(string)
		if !ok {
			panic(malformed("a key is not a string"))
		}
		object[key] = r.value(depth + 1)
	}
	return object
}

func encode(value any) ([]byte, error) { return write(nil, value, 0) }

func write(out []byte, value any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the answer is nested deeper than %d", maxDepth)
	}
	var err error
	switch value := value.(type) {
	case nil:
		return append(out, 0xc0), nil
	case bool:
		if value {
			return append(out, 0xc3), nil
		}
		return append(out, 0xc2), nil
	case int64:
		return binary.BigEndian.AppendUint64(append(out, 0xd3), uint64(value)), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(out, 0xcb), math.Float64bits(value)), nil
	case string:
		return append(append(append(out, 0xdb), u32(len(value))...), value...), nil
	case []byte:
		return append(append(append(out, 0xc6), u32(len(value))...), value...), nil
	case []any:
		out = append(append(out, 0xdd), u32(len(value))...)
		for _, item := range value {
			if out, err = write(out, item, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out = append(append(out, 0xdf), u32(len(value))...)
		for key, item := range value {
			if out, err = write(out, key, depth+1); err != nil {
				return nil, err
			}
			if out, err = write(out, item, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("%T cannot be sent", value)
}
