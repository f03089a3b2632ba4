// A client of a server's port that speaks gRPC with Google's own module, and messages field by field.
//
//	grpc certificates FOLDER            writes ca.pem, server.pem and server-key.pem for server.dc1.consul
//	grpc client SERVER HTTP [CA KIND]   checks what the server at SERVER (its port) and HTTP (its API) answers; KIND is
//	                                    plain, tls (the port's byte for TLS first) or native (TLS and ALPN)
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	subscribe   = "/subscribe.StateChangeSubscription/Subscribe"
	patience    = 60 * time.Second
	serviceName = "web"
)

// ---- messages ----

// raw sends and receives bytes as they are.
type raw struct{}

func (raw) Name() string                       { return "proto" }
func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = bytes.Clone(data); return nil }

// gz is a compressor that the server does not know.
type gz struct{}

func (gz) Name() string                                 { return "gz" }
func (gz) Compress(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil }
func (gz) Decompress(r io.Reader) (io.Reader, error)    { return r, nil }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func request(topic, index uint64, key string) []byte {
	var b []byte
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, topic)
	if index != 0 {
		b = protowire.AppendTag(b, 4, protowire.VarintType)
		b = protowire.AppendVarint(b, index)
	}
	b = protowire.AppendTag(b, 5, protowire.BytesType)
	b = protowire.AppendString(b, "dc1")
	if key == "" {
		b = protowire.AppendTag(b, 9, protowire.VarintType)
		return protowire.AppendVarint(b, 1)
	}
	var subject []byte
	subject = protowire.AppendTag(subject, 1, protowire.BytesType)
	subject = protowire.AppendString(subject, key)
	b = protowire.AppendTag(b, 10, protowire.BytesType)
	return protowire.AppendBytes(b, subject)
}

type message map[protowire.Number][]field
type field struct {
	number uint64
	bytes  []byte
}

func parse(b []byte) message {
	fields := message{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		check(protowire.ParseError(n))
		b = b[n:]
		var f field
		switch kind {
		case protowire.VarintType:
			f.number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		check(protowire.ParseError(n))
		b = b[n:]
		fields[number] = append(fields[number], f)
	}
	return fields
}

func (m message) one(n protowire.Number) field {
	if len(m[n]) == 0 {
		return field{}
	}
	return m[n][0]
}

// spell makes a word of an event: "+web-1", "-web-1", "end", "new", "[...]".
func spell(event message) string {
	switch {
	case event.one(2).number == 1:
		return "end"
	case event.one(3).number == 1:
		return "new"
	case len(event[4]) > 0:
		var words []string
		for _, each := range parse(event.one(4).bytes)[1] {
			words = append(words, spell(parse(each.bytes)))
		}
		return "[" + strings.Join(words, " ") + "]"
	case len(event[10]) > 0:
		update := parse(event.one(10).bytes)
		instance := parse(update.one(2).bytes)
		return sign(update) + string(parse(instance.one(2).bytes).one(2).bytes)
	case len(event[12]) > 0:
		update := parse(event.one(12).bytes)
		return sign(update) + string(update.one(2).bytes)
	}
	return "?"
}

func sign(update message) string {
	if update.one(1).number == 1 {
		return "-"
	}
	return "+"
}

// ---- the server ----

type server struct {
	api  string
	conn *grpc.ClientConn
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		panic(fmt.Sprintf("%s: got %v, want %v", what, got, want))
	}
}

func dial(address, ca, kind string, more ...grpc.DialOption) *grpc.ClientConn {
	dialer := func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil || kind == "plain" {
			if err == nil {
				_, err = conn.Write([]byte{8})
			}
			return conn, err
		}
		pool := x509.NewCertPool()
		text, err := os.ReadFile(ca)
		check(err)
		pool.AppendCertsFromPEM(text)
		pair, err := tls.LoadX509KeyPair(filepath.Join(filepath.Dir(ca), "server.pem"),
			filepath.Join(filepath.Dir(ca), "server-key.pem"))
		check(err)
		config := &tls.Config{RootCAs: pool, ServerName: "server.dc1.consul", Certificates: []tls.Certificate{pair}}
		if kind == "native" {
			config.NextProtos = []string{"consul/rpc-grpc"}
		} else if _, err = conn.Write([]byte{3}); err != nil {
			return nil, err
		}
		secure := tls.Client(conn, config)
		if err = secure.HandshakeContext(ctx); err == nil && kind == "tls" {
			_, err = secure.Write([]byte{8})
		}
		return secure, err
	}
	options := append([]grpc.DialOption{grpc.WithContextDialer(dialer),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(64<<20))}, more...)
	conn, err := grpc.NewClient("passthrough:///server", options...)
	check(err)
	return conn
}

func (s *server) put(path string, body any) {
	text, err := json.Marshal(body)
	check(err)
	ask, err := http.NewRequest("PUT", "http://"+s.api+path, bytes.NewReader(text))
	check(err)
	answer, err := http.DefaultClient.Do(ask)
	check(err)
	defer answer.Body.Close()
	said, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != 200 {
		panic(fmt.Sprintf("%s: %d %s", path, answer.StatusCode, said))
	}
}

type object = map[string]any

func (s *server) register(node, id, name, output string) {
	s.put("/v1/catalog/register", object{"Node": node, "Address": "10.0.0.1",
		"Service": object{"ID": id, "Service": name, "Port": 80},
		"Check":   object{"CheckID": "c-" + id, "Name": "c", "Status": "passing", "ServiceID": id, "Output": output}})
}

func (s *server) deregister(node string) { s.put("/v1/catalog/deregister", object{"Node": node}) }

// streams is how many the server says are open; -1 while it does not say.
func (s *server) streams() float64 {
	answer, err := http.Get("http://" + s.api + "/v1/agent/metrics")
	check(err)
	defer answer.Body.Close()
	var metrics struct {
		Gauges []struct {
			Name  string
			Value float64
		}
	}
	check(json.NewDecoder(answer.Body).Decode(&metrics))
	for _, each := range metrics.Gauges {
		if strings.HasSuffix(each.Name, "grpc.server.streams") {
			return each.Value
		}
	}
	return -1
}

type stream struct {
	grpc.ClientStream
	cancel context.CancelFunc
	index  uint64
}

func (s *server) subscribe(topic, index uint64, key string, options ...grpc.CallOption) *stream {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	opened, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, subscribe, options...)
	check(err)
	body := request(topic, index, key)
	if err := opened.SendMsg(&body); err != nil && !errors.Is(err, io.EOF) {
		panic(err)
	}
	check(opened.CloseSend())
	return &stream{ClientStream: opened, cancel: cancel}
}

func (s *stream) next() string {
	var body []byte
	if err := s.RecvMsg(&body); err != nil {
		said := status.Convert(err)
		return fmt.Sprintf("%v: %s", said.Code(), said.Message())
	}
	event := parse(body)
	if index := event.one(1).number; index != 0 {
		s.index = index
	}
	return spell(event)
}

func (s *stream) some(count int) string {
	var words []string
	for range count {
		words = append(words, s.next())
	}
	return strings.Join(words, " ")
}

// ---- what is checked ----

func (s *server) subscriptions() {
	s.register("far-1", "web-1", serviceName, "")
	first := s.subscribe(1, 0, serviceName)
	expect("snapshot", first.some(2), "+web-1 end")
	s.register("far-2", "web-2", serviceName, "")
	expect("a new instance", first.next(), "+web-2")
	s.put("/v1/catalog/register", object{"Node": "far-1", "Address": "10.0.0.9"})
	expect("a new address", first.next(), "+web-1")
	resumed := s.subscribe(1, first.index, serviceName)
	old := s.subscribe(1, 1, serviceName)
	expect("an old index", old.some(4), "new +web-1 +web-2 end")
	s.deregister("far-2")
	expect("an instance that goes", first.next(), "-web-2")
	expect("the same, resumed", resumed.next(), "-web-2")
	expect("the same, anew", old.next(), "-web-2")
	names := s.subscribe(7, 0, "")
	listed := names.next()
	if !strings.Contains(listed, "+web") {
		panic("the list of services: " + listed)
	}
	expect("the list ends", names.next(), "end")
	s.register("far-3", "api-1", "api", "")
	expect("a new name", names.next(), "+api")
	s.deregister("far-3")
	expect("a name that goes", names.next(), "-api")
	config := s.subscribe(8, 0, serviceName)
	expect("config entries", config.next(), "end")
	for _, each := range []*stream{first, resumed, old, names, config} {
		each.cancel()
	}
}

func (s *server) errors() {
	expect("wildcard", s.subscribe(1, 0, "").next(),
		"Unknown: topic ServiceHealth does not support wildcard subscriptions")
	expect("no topic", s.subscribe(0, 0, "x").next(), "InvalidArgument: cannot construct subject for topic Unknown")
	call := func(method string, body []byte, options ...grpc.CallOption) string {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		var answer []byte
		said := status.Convert(s.conn.Invoke(ctx, method, &body, &answer, options...))
		return fmt.Sprintf("%v: %s", said.Code(), said.Message())
	}
	expect("no service", call("/no.Service/Method", nil), "Unimplemented: unknown service no.Service")
	expect("no method", call("/subscribe.StateChangeSubscription/Other", nil),
		"Unimplemented: unknown method Other for service subscribe.StateChangeSubscription")
	expect("no message", call(subscribe, []byte{8}),
		"Internal: grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data")
	expect("a large message", call(subscribe, make([]byte, 5<<20)),
		"ResourceExhausted: grpc: received message larger than max (5242880 vs. 4194304)")
	expect("a compressed message", call(subscribe, request(1, 0, "x"), grpc.UseCompressor("gz")),
		`Unimplemented: grpc: Decompressor is not installed for grpc-encoding "gz"`)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	opened, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, subscribe)
	check(err)
	body := request(1, 0, "nobody")
	check(opened.SendMsg(&body))
	late := &stream{ClientStream: opened, cancel: cancel}
	expect("nobody", late.next(), "end")
	expect("too late", status.Code(late.RecvMsg(&body)), codes.DeadlineExceeded)
}

// Many subscriptions on one connection, of which each hears everything; when all are cancelled none is left.
func (s *server) many() {
	const count = 500
	var wait sync.WaitGroup
	var ready sync.WaitGroup
	failed := make(chan string, count)
	ready.Add(count)
	for range count {
		wait.Add(1)
		go func() {
			defer wait.Done()
			each := s.subscribe(1, 0, "crowd")
			defer each.cancel()
			if got := each.next(); got != "end" {
				failed <- got
			}
			ready.Done()
			if got := each.some(3); got != "+crowd-1 +crowd-2 -crowd-1" {
				failed <- got
			}
		}()
	}
	ready.Wait()
	s.register("c1", "crowd-1", "crowd", "")
	s.register("c2", "crowd-2", "crowd", "")
	s.deregister("c1")
	wait.Wait()
	close(failed)
	for each := range failed {
		panic("one of many: " + each)
	}
	for end := time.Now().Add(patience); s.streams() > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			panic(fmt.Sprintf("%v streams are still open", s.streams()))
		}
	}
}

// A snapshot that is many times what the client's windows hold.
func (s *server) large() {
	const count = 300
	for i := range count {
		s.register(fmt.Sprintf("l%d", i), fmt.Sprintf("large-%03d", i), "large", strings.Repeat("x", 20_000))
	}
	all := s.subscribe(1, 0, "large")
	for i := range count {
		if i == 10 {
			time.Sleep(300 * time.Millisecond) // what is in the way by then must wait
		}
		if got := all.next(); !strings.HasPrefix(got, "+large-") {
			panic(fmt.Sprintf("event %d of a large snapshot: %s", i, got))
		}
	}
	expect("a large snapshot ends", all.next(), "end")
	all.cancel()
}

func client(arguments []string) {
	kind, ca := "plain", ""
	if len(arguments) == 4 {
		ca, kind = arguments[2], arguments[3]
	}
	s := &server{api: arguments[1], conn: dial(arguments[0], ca, kind)}
	defer s.conn.Close()
	s.subscriptions()
	s.errors()
	if kind == "plain" {
		s.many()
	}
	s.large()
	fmt.Println("ok")
}

// ---- certificates ----

func certificates(folder string) {
	write := func(name, kind string, der []byte) {
		check(os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	key := func() *ecdsa.PrivateKey {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(err)
		return made
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}
	caKey, ownKey := key(), key()
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, &caKey.PublicKey, caKey)
	check(err)
	write("ca.pem", "CERTIFICATE", der)
	own := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server.dc1.consul"},
		DNSNames: []string{"server.dc1.consul", "localhost"}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err = x509.CreateCertificate(rand.Reader, own, authority, &ownKey.PublicKey, caKey)
	check(err)
	write("server.pem", "CERTIFICATE", der)
	der, err = x509.MarshalECPrivateKey(ownKey)
	check(err)
	write("server-key.pem", "EC PRIVATE KEY", der)
}

func main() {
	defer func() {
		if failure := recover(); failure != nil {
			log.Fatal(failure)
		}
	}()
	encoding.RegisterCompressor(gz{})
	switch {
	case len(os.Args) == 3 && os.Args[1] == "certificates":
		certificates(os.Args[2])
	case (len(os.Args) == 4 || len(os.Args) == 6) && os.Args[1] == "client":
		client(os.Args[2:])
	default:
		log.Fatal("usage: grpc certificates FOLDER | grpc client SERVER HTTP [CA KIND]")
	}
}
