package lm

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/dspool/dspool/fault"
)

const (
	connectTimeout = 10 * time.Second
	idleTimeout    = 90 * time.Second
	// idlePerHost is how many connections to one provider stay open: as many
	// as the calls of a busy pool use at once.
	idlePerHost = 1024
)

// A Network says how the outside is reached.
type Network struct {
	// Proxy is the URL of a proxy. "" takes HTTPS_PROXY, HTTP_PROXY and NO_PROXY
	// of the environment, "off" uses none.
	Proxy string
	// CAFile names a PEM file with certificate authorities that are trusted
	// beyond the system's.
	CAFile string
}

// transport returns the one transport that all models share.
func (n Network) transport() (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: connectTimeout,
		MaxIdleConns: 0, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: idleTimeout,
		ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10,
	}
	proxy, err := n.proxy()
	if err != nil {
		return nil, err
	}
	t.Proxy = proxy
	t.TLSClientConfig, err = n.tls()
	return t, err
}

func (n Network) proxy() (func(*http.Request) (*url.URL, error), error) {
	switch n.Proxy {
	case "":
		return http.ProxyFromEnvironment, nil
	case "off":
		return nil, nil
	}
	u, err := url.Parse(n.Proxy)
	if err != nil || u.Host == "" {
		return nil, fault.New(fault.InvalidArgument, "the proxy is no URL such as http://proxy:3128")
	}
	return http.ProxyURL(u), nil
}

func (n Network) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if n.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(n.CAFile)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the file of certificate authorities cannot be read")
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.Newf(fault.InvalidArgument, "%s holds no certificate in PEM form", n.CAFile)
	}
	c.RootCAs = pool
	return c, nil
}

// client returns a client that follows no redirect: the key must not travel.
func client(t *http.Transport) *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
