package dev.postern.runtime.tls;

import dev.postern.Tls;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSslCachingX509KeyManagerFactory;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import io.netty.handler.ssl.util.KeyManagerFactoryWrapper;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIMatcher;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.StandardConstants;
import org.jspecify.annotations.Nullable;

/**
 * The TLS of a listener as its files were at one moment: certificates, trust, and what Netty makes of them. A change of
 * files or settings makes another one; handshakes that have begun with this one end with it.
 */
public final class ServerTls {
    /** How long a session can be resumed; as long may a client go on with a certificate that has expired meanwhile. */
    private static final long SESSION_SECONDS = 3600;

    private final Tls config;
    private final String fingerprint;
    private final List<Credential> credentials;
    private final ServerNames names;
    private final List<SNIMatcher> matchers;
    private final List<X509Certificate> authorities;
    // By the application protocols that are offered.
    private final Map<List<String>, SslContext> contexts = new ConcurrentHashMap<>();

    private ServerTls(Tls config, String fingerprint, List<Credential> credentials, List<X509Certificate> authorities) {
        this.config = config;
        this.fingerprint = fingerprint;
        this.credentials = List.copyOf(credentials);
        this.names = new ServerNames(credentials, config.refusesUnknownNames());
        this.matchers = List.of(new Matcher(names));
        this.authorities = List.copyOf(authorities);
    }

    /**
     * Reads all files: what cannot be used is found here, not in a handshake. Not for event loops.
     *
     * @throws PemException naming the file, or what Netty has against its content
     */
    public static ServerTls read(Tls config) throws PemException {
        // First: a file that changes while it is read has another fingerprint the next time.
        String fingerprint = fingerprint(config);
        List<Credential> credentials = new ArrayList<>();
        for (Tls.Pair pair : config.pairs()) {
            credentials.add(PemFiles.credential(pair.certificate(), pair.key()));
        }
        Path trust = config.clientTrust();
        List<X509Certificate> authorities = trust == null ? List.of() : PemFiles.certificates("trust", trust);
        ServerTls tls = new ServerTls(config, fingerprint, credentials, authorities);
        try {
            tls.context(List.of());
        } catch (SSLException unusable) {
            throw new PemException("certificate " + config.certificate() + " cannot be used: " + unusable.getMessage());
        }
        return tls;
    }

    /** The fingerprint of the files of a config, as they are now. Not for event loops. */
    public static String fingerprint(Tls config) {
        List<Path> files = new ArrayList<>();
        for (Tls.Pair pair : config.pairs()) {
            files.add(pair.certificate());
            files.add(pair.key());
        }
        if (config.clientTrust() != null) {
            files.add(config.clientTrust());
        }
        return Fingerprint.of(files);
    }

    /** The settings it was made from. */
    public Tls config() {
        return config;
    }

    /** What its files were. */
    public String fingerprint() {
        return fingerprint;
    }

    /** Whether clients are asked for certificates in the same way, and the same authorities vouch for them. */
    public boolean judgesClientsLike(ServerTls other) {
        return authorities.equals(other.authorities)
                && config.requiresClientCertificate() == other.config.requiresClientCertificate();
    }

    /** Whether there is more than one certificate, so that a connection may be the wrong one for a host. */
    public boolean hasSeveral() {
        return credentials.size() > 1 || config.refusesUnknownNames();
    }

    /**
     * Whether a host may be served on a connection: RFC 9110 15.5.20. It may when a connection for this host would have
     * been shown a certificate that this one may have been shown.
     *
     * @param session of the connection
     * @param host lower-case, without port
     */
    public boolean isFor(SSLSession session, String host) {
        return names.shareOne(SniKeyManager.indicated(session), host);
    }

    /** A name to ask for, with which no handshake is refused; null when none needs to be asked for. */
    public @Nullable String exampleName() {
        return names.example();
    }

    /**
     * Names that are refused are told so ({@code unrecognized_name}, RFC 6066 3). What the JDK also makes of it: a session
     * of TLS 1.2 is not resumed for another name.
     */
    void prepare(SSLEngine engine) {
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setSNIMatchers(matchers);
        engine.setSSLParameters(parameters);
    }

    private static final class Matcher extends SNIMatcher {
        private final ServerNames names;

        Matcher(ServerNames names) {
            super(StandardConstants.SNI_HOST_NAME);
            this.names = names;
        }

        @Override
        public boolean matches(SNIServerName name) {
            return !names.of(SniKeyManager.text(name)).isEmpty();
        }
    }

    /**
     * What makes handlers for connections.
     *
     * @param applicationProtocols for ALPN, the preferred one first; empty for none
     */
    SslContext context(List<String> applicationProtocols) throws SSLException {
        SslContext known = contexts.get(applicationProtocols);
        if (known == null) {
            SslContext made = build(applicationProtocols);
            known = Objects.requireNonNullElse(contexts.putIfAbsent(List.copyOf(applicationProtocols), made), made);
        }
        return known;
    }

    private SslContext build(List<String> applicationProtocols) throws SSLException {
        KeyManagerFactory keys = new KeyManagerFactoryWrapper(new SniKeyManager(credentials, names));
        SslContextBuilder builder = SslContextBuilder.forServer(
                        // BoringSSL wants keys in its own form: made once, not for each handshake.
                        TlsEngine.isNative() ? new OpenSslCachingX509KeyManagerFactory(keys) : keys)
                .sslProvider(TlsEngine.provider())
                .protocols(TlsEngine.PROTOCOLS)
                .ciphers(TlsEngine.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
                .sessionTimeout(SESSION_SECONDS);
        if (!authorities.isEmpty()) {
            builder.clientAuth(config.requiresClientCertificate() ? ClientAuth.REQUIRE : ClientAuth.OPTIONAL)
                    .trustManager(authorities.toArray(X509Certificate[]::new));
        }
        if (!applicationProtocols.isEmpty()) {
            builder.applicationProtocolConfig(new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    // RFC 7301 3.2 wants an alert; BoringSSL goes on, and whoever speaks something else is closed then.
                    TlsEngine.isNative()
                            ? ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE
                            : ApplicationProtocolConfig.SelectorFailureBehavior.FATAL_ALERT,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    applicationProtocols));
        }
        return builder.build();
    }
}
