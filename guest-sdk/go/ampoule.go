// Package ampoule is for functions of Ampoule in Go 1.24 and newer, built with GOOS=wasip1 and -buildmode=c-shared. Register handlers
// in init; main is never called:
//
//	func init() {
//		ampoule.HTTP(func(r *ampoule.Request, c *ampoule.Context) (*ampoule.Response, error) {
//			return ampoule.Text(200, "Hello, "+r.Query().Get("name")+"!\n"), nil
//		})
//	}
//	func main() {}
//
// What runs in init runs once, before the snapshot that every invocation starts from. os.Getenv, time, crypto/rand and log are
// live. math/rand and hash/maphash are seeded before the snapshot: a function that imports them gets an instance of its own for
// each invocation, which costs it milliseconds; Rand has a fresh generator for nothing.
package ampoule

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"strings"
	"time"
	"unsafe"
)

// Context is what is known about the invocation.
type Context struct {
	ID       string // the request id, as in the host's log
	Function string
	Deadline time.Time // when the invocation is ended
}

// Remaining is the time until the deadline.
func (c *Context) Remaining() time.Duration { return time.Until(c.Deadline) }

// Header is a name in lower case and a value.
type Header struct{ Name, Value string }

// Request is an HTTP request with all of its body.
type Request struct {
	Method  string
	URL     string   // absolute, as the caller sent it
	Headers []Header // in order, duplicates kept
	Body    []byte   // nil where there is none
}

// Path is that of the URL, decoded; "/" at least.
func (r *Request) Path() string {
	u, err := url.Parse(r.URL)
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.Path
}

// Query has the parameters of the URL, decoded.
func (r *Request) Query() url.Values {
	u, err := url.Parse(r.URL)
	if err != nil {
		return url.Values{}
	}
	return u.Query()
}

// Header is the first one of that name, whatever its case.
func (r *Request) Header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// Response is an HTTP answer.
type Response struct {
	Status  int // 200 to 599
	Headers []Header
	Body    []byte
}

// Text answers with plain text.
func Text(status int, body string) *Response {
	return &Response{status, []Header{{"content-type", "text/plain; charset=utf-8"}}, []byte(body)}
}

// JSON answers with value as encoding/json writes it.
func JSON(status int, value any) (*Response, error) {
	body, err := json.Marshal(value)
	return &Response{status, []Header{{"content-type", "application/json"}}, body}, err
}

// Message of a queue.
type Message struct {
	ID         string
	Timestamp  time.Time
	Attempts   int // this delivery counted
	Body       []byte
	Attributes map[string]string
	Group      string
}

// QueueBatch is a delivery of a queue.
type QueueBatch struct {
	Queue    string
	Messages []Message
}

// Record of a stream.
type Record struct {
	ID, Key   string
	Timestamp time.Time
	Data      []byte
}

// StreamBatch is a delivery of a stream's shard, in its order.
type StreamBatch struct {
	Stream, Shard string
	Records       []Record
}

// Tick of a schedule.
type Tick struct {
	Schedule, Cron string
	Time           time.Time // when it was due
}

// Failure names what is to come again. Delay counts for queues only; zero is the queue's own.
type Failure struct {
	ID    string
	Delay time.Duration
}

// Error names a failure in the host's log; other errors have their type's name.
type Error struct{ Name, Message string }

func (e *Error) Error() string { return e.Message }

var handlers = map[string]func(map[string]any, *Context) (any, error){
	"warm": func(map[string]any, *Context) (any, error) { return nil, nil },
}

// HTTP registers the handler of requests.
func HTTP(handler func(*Request, *Context) (*Response, error)) {
	handlers["http"] = func(event map[string]any, c *Context) (any, error) {
		request, err := readRequest(event)
		if err != nil {
			return nil, err
		}
		response, err := handler(request, c)
		if err != nil {
			return nil, err
		}
		if response == nil {
			return nil, errors.New("the handler returned neither a response nor an error")
		}
		headers := make([]any, len(response.Headers))
		for i, h := range response.Headers {
			headers[i] = []any{h.Name, h.Value}
		}
		return map[string]any{"status": int64(response.Status), "headers": headers, "body": response.Body}, nil
	}
}

// Invoke registers the handler of invocations. In and Out are read and written as encoding/json does.
func Invoke[In, Out any](handler func(In, *Context) (Out, error)) {
	handlers["invoke"] = func(event map[string]any, c *Context) (any, error) {
		var in In
		text, err := json.Marshal(event["payload"])
		if err == nil {
			err = json.Unmarshal(text, &in)
		}
		if err != nil {
			return nil, &Error{"InvalidPayload", err.Error()}
		}
		out, err := handler(in, c)
		if err != nil {
			return nil, err
		}
		var payload any
		if text, err = json.Marshal(out); err == nil {
			err = json.Unmarshal(text, &payload)
		}
		return map[string]any{"payload": payload}, err
	}
}

// Queue registers the handler of messages; those that it does not name are done.
func Queue(handler func(*QueueBatch, *Context) ([]Failure, error)) {
	handlers["queue"] = func(event map[string]any, c *Context) (any, error) {
		batch := &QueueBatch{Queue: str(event, "queue")}
		for _, m := range maps(event, "messages") {
			attributes := map[string]string{}
			values, _ := m["attributes"].(map[string]any)
			for name := range values {
				attributes[name] = str(values, name)
			}
			batch.Messages = append(batch.Messages, Message{str(m, "id"), moment(m, "timestamp"), int(number(m, "attempts")), data(m, "body"), attributes, str(m, "group")})
		}
		return failures(handler(batch, c))
	}
}

// Stream registers the handler of records; the first that it names and all that follow come again.
func Stream(handler func(*StreamBatch, *Context) ([]Failure, error)) {
	handlers["stream"] = func(event map[string]any, c *Context) (any, error) {
		batch := &StreamBatch{Stream: str(event, "stream"), Shard: str(event, "shard")}
		for _, r := range maps(event, "records") {
			batch.Records = append(batch.Records, Record{str(r, "id"), str(r, "key"), moment(r, "timestamp"), data(r, "data")})
		}
		return failures(handler(batch, c))
	}
}

// Scheduled registers the handler of a schedule's ticks.
func Scheduled(handler func(*Tick, *Context) error) {
	handlers["scheduled"] = func(event map[string]any, c *Context) (any, error) {
		return map[string]any{}, handler(&Tick{str(event, "schedule"), str(event, "cron"), moment(event, "time")}, c)
	}
}

// Rand is a generator with a seed of its own.
func Rand() *mathrand.Rand {
	var seed [32]byte
	rand.Read(seed[:])
	return mathrand.New(mathrand.NewChaCha8(seed))
}

func failures(list []Failure, err error) (any, error) {
	entries := make([]any, len(list))
	for i, f := range list {
		entry := map[string]any{"id": f.ID}
		if f.Delay > 0 {
			entry["delay"] = int64(f.Delay / time.Second)
		}
		entries[i] = entry
	}
	return map[string]any{"failures": entries}, err
}

func readRequest(event map[string]any) (*Request, error) {
	request := &Request{Method: str(event, "method"), URL: str(event, "url")}
	list, ok := event["headers"].([]any)
	if !ok || request.Method == "" || request.URL == "" {
		return nil, invalid("the request has no method, URL or headers")
	}
	for _, item := range list {
		pair, _ := item.([]any)
		if len(pair) != 2 {
			return nil, invalid("a header is no pair")
		}
		name, _ := pair[0].(string)
		value, _ := pair[1].(string)
		request.Headers = append(request.Headers, Header{name, value})
	}
	request.Body, _ = event["body"].([]byte)
	return request, nil
}

func str(m map[string]any, key string) string {
	text, _ := m[key].(string)
	return text
}

func data(m map[string]any, key string) []byte {
	if text, ok := m[key].(string); ok {
		return []byte(text)
	}
	bytes, _ := m[key].([]byte)
	return bytes
}

func number(m map[string]any, key string) float64 {
	switch value := m[key].(type) {
	case int64:
		return float64(value)
	case float64:
		return value
	}
	return 0
}

func moment(m map[string]any, key string) time.Time {
	return time.UnixMicro(int64(number(m, key) * 1000))
}

func maps(m map[string]any, key string) []map[string]any {
	var result []map[string]any
	list, _ := m[key].([]any)
	for _, item := range list {
		if entry, ok := item.(map[string]any); ok {
			result = append(result, entry)
		}
	}
	return result
}

func invalid(why string) error { return &Error{"InvalidEvent", why} }

func answer(bytes []byte) (out []byte, err error) {
	value, err := decode(bytes)
	if err != nil {
		return nil, err
	}
	event, ok := value.(map[string]any)
	if !ok {
		return nil, invalid("the event is not a map")
	}
	kind := str(event, "type")
	handler := handlers[kind]
	if handler == nil {
		return nil, &Error{"UnsupportedEvent", fmt.Sprintf("the function has no handler for %s events", kind)}
	}
	result, err := handler(event, &Context{str(event, "id"), str(event, "fn"), moment(event, "deadline")})
	if err != nil {
		return nil, err
	}
	return encode(result)
}

func describe(err error) []byte {
	name := strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
	var own *Error
	if errors.As(err, &own) {
		name = own.Name
	}
	bytes, _ := encode(map[string]any{"name": name, "message": err.Error(), "stack": ""})
	return bytes
}

// What the host holds an address of: the collector must find it.
var (
	held   [][]byte
	result [3]uint32
)

// Named so that it is taken for events only: the WASI adapter needs memory before Go's runtime has started.
//
//go:wasmexport cabi_export_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Pointer(uintptr(align))
	}
	bytes := make([]byte, size)
	if old != nil {
		copy(bytes, unsafe.Slice((*byte)(old), oldSize))
	}
	held = append(held, bytes)
	return unsafe.Pointer(&bytes[0])
}

// Memory of the WASI adapter, which Go would take for its own anywhere else. The build finds it by its first bytes.
var adapterMemory = [4 * 65536]byte{'a', 'm', 'p', 'o', 'u', 'l', 'e', ':', 'a', 'd', 'a', 'p', 't', 'e', 'r', '!'}

//go:wasmexport handle
func handle(event unsafe.Pointer, length uint32) unsafe.Pointer {
	if adapterMemory[0] != 'a' { // also keeps it in the program
		panic("the memory of the WASI adapter was written to")
	}
	tag := uint32(0)
	out, err := answer(unsafe.Slice((*byte)(event), length))
	if err != nil {
		tag, out = 1, describe(err)
	}
	held = append(held, out)
	result = [3]uint32{tag, uint32(uintptr(unsafe.Pointer(unsafe.SliceData(out)))), uint32(len(out))}
	return unsafe.Pointer(&result)
}

//go:wasmexport cabi_post_handle
func postHandle(unsafe.Pointer) { held = nil }

func u32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
