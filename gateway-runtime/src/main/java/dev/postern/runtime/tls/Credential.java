package dev.postern.runtime.tls;

import java.security.PrivateKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** A certificate chain, its own first, with the key that belongs to it. */
public final class Credential {
    private static final int DNS_NAME = 2;

    private final List<X509Certificate> chain;
    private final PrivateKey key;
    private final Set<String> names;

    Credential(List<X509Certificate> chain, PrivateKey key) throws PemException {
        this.chain = List.copyOf(chain);
        this.key = key;
        this.names = Set.copyOf(names(chain.get(0)));
    }

    List<X509Certificate> chain() {
        return chain;
    }

    PrivateKey key() {
        return key;
    }

    /** The host names it is for, lower-case; wildcards as they are written. */
    Set<String> names() {
        return names;
    }

    /** RFC 9525 6.3: the subject's common name does not count. */
    private static Set<String> names(X509Certificate own) throws PemException {
        Set<String> names = new TreeSet<>();
        try {
            Collection<List<?>> alternatives = own.getSubjectAlternativeNames();
            for (List<?> name : alternatives == null ? new ArrayList<List<?>>() : alternatives) {
                if (name.get(0) instanceof Integer type && type == DNS_NAME && name.get(1) instanceof String text) {
                    names.add(text.toLowerCase(Locale.ROOT));
                }
            }
        } catch (CertificateParsingException bad) {
            throw new PemException("certificate of " + own.getSubjectX500Principal()
                    + " has alternative names that cannot be read (expected: an RFC 5280 subjectAltName)");
        }
        return names;
    }

    /** No content: it has a key in it. */
    @Override
    public String toString() {
        return "credential for " + names;
    }
}
