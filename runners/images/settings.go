package images

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var proxyVariables = []string{"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}

// writeSettings puts what an installation on this machine needs to reach its
// package index (proxy, certificates, pip's own settings) into a directory of
// the build context. The image's last stage never sees it.
func (s *Store) writeSettings(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var env strings.Builder
	for _, name := range append(slices.Clone(proxyVariables), "PIP_INDEX_URL",
		"PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_PROXY") {
		if value := s.Getenv(name); value != "" {
			export(&env, name, value)
		}
	}
	export(&env, "PIP_DISABLE_PIP_VERSION_CHECK", "1")
	export(&env, "PIP_ROOT_USER_ACTION", "ignore")
	export(&env, "PIP_PROGRESS_BAR", "off")
	if bundle := s.certificates(); bundle != nil {
		if err := os.WriteFile(filepath.Join(dir, "ca.crt"), bundle, 0o644); err != nil {
			return err
		}
		for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"} {
			export(&env, name, "/run/dlbench/ca.crt")
		}
	}
	if config := s.pipConfig(); config != nil {
		if err := os.WriteFile(filepath.Join(dir, "pip.conf"), config, 0o644); err != nil {
			return err
		}
		export(&env, "PIP_CONFIG_FILE", "/run/dlbench/pip.conf")
	}
	return os.WriteFile(filepath.Join(dir, "environment"), []byte(env.String()), 0o644)
}

func export(b *strings.Builder, name, value string) {
	fmt.Fprintf(b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
}

// certificates is the bundle that this machine trusts.
func (s *Store) certificates() []byte {
	return firstFile(s.Getenv("PIP_CERT"), s.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt")
}

func (s *Store) pipConfig() []byte {
	home := s.Getenv("HOME")
	return firstFile(s.Getenv("PIP_CONFIG_FILE"), filepath.Join(home, ".config/pip/pip.conf"), filepath.Join(home, ".pip/pip.conf"), "/etc/pip.conf")
}

func firstFile(paths ...string) []byte {
	for _, path := range paths {
		if path == "" {
			continue
		}
		if data, err := os.ReadFile(path); err == nil {
			return data
		}
	}
	return nil
}
