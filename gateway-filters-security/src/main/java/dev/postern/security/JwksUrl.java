package dev.postern.security;

import dev.postern.Endpoint;
import dev.postern.Request;
import java.net.URI;
import java.net.URISyntaxException;

/**
 * Where a key set is fetched from.
 *
 * @param origin scheme, host and port
 * @param target path and query
 */
record JwksUrl(String origin, String target) {
    /** @throws IllegalArgumentException when the text is no absolute http or https URL */
    static JwksUrl parse(String url) {
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException malformed) {
            throw new IllegalArgumentException("is malformed at character " + malformed.getIndex());
        }
        String scheme = uri.getScheme();
        boolean web = "https".equals(scheme) || "http".equals(scheme);
        if (!web || uri.getHost() == null || uri.getRawUserInfo() != null || uri.getRawFragment() != null) {
            throw new IllegalArgumentException("is not of the form https://host/path");
        }
        String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        String query = uri.getRawQuery();
        return new JwksUrl(scheme + "://" + uri.getRawAuthority(), query == null ? path : path + '?' + query);
    }

    boolean cleartext() {
        return origin.startsWith("http:");
    }

    Endpoint endpoint() {
        return Endpoint.of(origin);
    }

    Request request() {
        return Request.get(target).withHeader("Accept", "application/jwk-set+json, application/json");
    }

    /** What stands for it in plans and messages: URLs that differ have names that differ, and none tells a query. */
    String name() {
        boolean whole = target.indexOf('?') < 0;
        return whole ? toString() : this + "?" + Sha256.of(target).hex().substring(0, 12);
    }

    /** Without the query, which may hold a secret. */
    @Override
    public String toString() {
        int mark = target.indexOf('?');
        return origin + (mark < 0 ? target : target.substring(0, mark));
    }
}
