// A peer that speaks yamux with HashiCorp's own module.
//
//	yamux server          listens, prints its address, echoes every stream
//	yamux client ADDRESS  opens streams to an echo server and checks what comes back
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) == 2 && os.Args[1] == "server" {
		serve()
		return
	}
	if len(os.Args) != 3 || os.Args[1] != "client" {
		log.Fatal("usage: yamux server | yamux client ADDRESS")
	}
	if err := ask(os.Args[2]); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ok")
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		session, err := yamux.Server(connection, yamux.DefaultConfig())
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			for {
				stream, err := session.AcceptStream()
				if err != nil {
					return
				}
				go func() {
					io.Copy(stream, stream)
					stream.Close()
				}()
			}
		}()
	}
}

func ask(address string) error {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	session, err := yamux.Client(connection, yamux.DefaultConfig())
	if err != nil {
		return err
	}
	if _, err := session.Ping(); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	var all sync.WaitGroup
	failures := make(chan error, 400)
	for i := 0; i < 400; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			if err := echo(session, i); err != nil {
				failures <- fmt.Errorf("stream %d: %w", i, err)
			}
		}(i)
	}
	all.Wait()
	close(failures)
	for err := range failures {
		return err
	}
	// A stream that is closed here reads as ended before the peer's end has come.
	for begun := time.Now(); session.NumStreams() != 0; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			return fmt.Errorf("%d streams are left", session.NumStreams())
		}
	}
	return session.Close()
}

func echo(session *yamux.Session, i int) error {
	stream, err := session.OpenStream()
	if err != nil {
		return err
	}
	size := 1 + i
	if i%40 == 0 {
		size = 3 << 20
	}
	sent := make([]byte, size)
	rand.New(rand.NewSource(int64(i))).Read(sent)
	go stream.Write(sent)
	got := make([]byte, size)
	if _, err := io.ReadFull(stream, got); err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d bytes came back changed (%x, not %x)", size, sha256.Sum256(got), sha256.Sum256(sent))
	}
	if err := stream.Close(); err != nil {
		return err
	}
	return nil
}
