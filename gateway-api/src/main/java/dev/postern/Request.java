package dev.postern;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The head of a request and its body. Immutable but for the body, which is a stream.
 *
 * <p>A request that reaches a filter has passed the edge: {@link #path()} is the one canonical path that was matched and
 * will be forwarded, {@link #authority()} is valid and lower-case, the framing was unambiguous. Fields that belong to one
 * hop ({@code Connection}, {@code Transfer-Encoding}, {@code Content-Length}, {@code Host} …) are not among {@link
 * #headers()}: they are read from the typed accessors and written anew for the upstream.
 */
public final class Request {
    private final String method;
    private final String scheme;
    private final String authority;
    private final String path;
    private final @Nullable String query;
    private final Headers headers;
    private final Body body;

    private Request(
            String method,
            String scheme,
            String authority,
            String path,
            @Nullable String query,
            Headers headers,
            Body body) {
        this.method = method;
        this.scheme = scheme;
        this.authority = authority;
        this.path = path;
        this.query = query;
        this.headers = headers;
        this.body = body;
    }

    /** {@code GET target} to {@code http://localhost}, as tests and calls to local upstreams need it. */
    public static Request get(String target) {
        return of("GET", target);
    }

    /**
     * A request without headers and body, to {@code http://localhost}.
     *
     * @param method a token such as {@code GET}; upper- and lower-case are different methods
     * @param target path and optional query, percent-encoded, beginning with a slash
     */
    public static Request of(String method, String target) {
        return new Request(token(method), "http", "localhost", "/", null, Headers.EMPTY, Body.empty())
                .withTarget(target);
    }

    /**
     * A whole request.
     *
     * @param method a token such as {@code GET}; upper- and lower-case are different methods
     * @param scheme {@code http} or {@code https}
     * @param authority the host, with a port if it is not the scheme's own
     * @param path percent-encoded, beginning with a slash
     * @param query percent-encoded, or null for none
     */
    public static Request of(
            String method,
            String scheme,
            String authority,
            String path,
            @Nullable String query,
            Headers headers,
            Body body) {
        if (!scheme.equals("http") && !scheme.equals("https")) {
            throw new IllegalArgumentException("scheme: " + scheme + " (expected: http or https)");
        }
        return new Request(
                token(method),
                scheme,
                Targets.authority(authority).toLowerCase(Locale.ROOT),
                Targets.path(path),
                query == null ? null : Targets.query(query),
                Objects.requireNonNull(headers, "headers"),
                Objects.requireNonNull(body, "body"));
    }

    /** The method, as sent: {@code GET}. */
    public String method() {
        return method;
    }

    /** {@code http} or {@code https}: the scheme the client used, as far as the gateway can trust to know it. */
    public String scheme() {
        return scheme;
    }

    /** The host the client addressed, lower-case, with the port if it was given: {@code api.example.com:8443}. */
    public String authority() {
        return authority;
    }

    /** {@link #authority()} without the port; IPv6 addresses keep their brackets. */
    public String host() {
        int colon = authority.lastIndexOf(':');
        return colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority;
    }

    /** The canonical path, still percent-encoded; begins with a slash. */
    public String path() {
        return path;
    }

    /** What follows the question mark, byte for byte as sent; null when there is no question mark. */
    public @Nullable String query() {
        return query;
    }

    /** Path and query together. */
    public String target() {
        return query == null ? path : path + '?' + query;
    }

    /** The decoded value of the first query parameter called {@code name}, or null when there is none. */
    public @Nullable String queryParameter(String name) {
        return query == null ? null : QueryString.first(query, name);
    }

    /** The decoded values of all query parameters called {@code name}, in order. */
    public List<String> queryParameters(String name) {
        return query == null ? List.of() : QueryString.all(query, name);
    }

    /** The value of the first cookie called {@code name}, or null when there is none. */
    public @Nullable String cookie(String name) {
        return Cookies.first(headers, name);
    }

    /** The end-to-end header fields. */
    public Headers headers() {
        return headers;
    }

    /** Shorthand for {@code headers().get(name)}. */
    public @Nullable String header(String name) {
        return headers.get(name);
    }

    /** The content. */
    public Body body() {
        return body;
    }

    /** The same request with another method. */
    public Request withMethod(String newMethod) {
        return new Request(token(newMethod), scheme, authority, path, query, headers, body);
    }

    /** The same request for another scheme, {@code http} or {@code https}. */
    public Request withScheme(String newScheme) {
        if (!newScheme.equals("http") && !newScheme.equals("https")) {
            throw new IllegalArgumentException("scheme: " + newScheme + " (expected: http or https)");
        }
        return new Request(method, newScheme, authority, path, query, headers, body);
    }

    /** The same request for another host, {@code name} or {@code name:port}; made lower-case. */
    public Request withAuthority(String newAuthority) {
        return new Request(
                method, scheme, Targets.authority(newAuthority).toLowerCase(Locale.ROOT), path, query, headers, body);
    }

    /** The same request for another percent-encoded path; the query stays. */
    public Request withPath(String newPath) {
        return new Request(method, scheme, authority, Targets.path(newPath), query, headers, body);
    }

    /** The same request with another percent-encoded query; null for none. */
    public Request withQuery(@Nullable String newQuery) {
        String checked = newQuery == null ? null : Targets.query(newQuery);
        return new Request(method, scheme, authority, path, checked, headers, body);
    }

    /** The same request for another path and query: {@code /a/b?c=d}. */
    public Request withTarget(String newTarget) {
        int mark = newTarget.indexOf('?');
        String newPath = mark < 0 ? newTarget : newTarget.substring(0, mark);
        String newQuery = mark < 0 ? null : Targets.query(newTarget.substring(mark + 1));
        return new Request(method, scheme, authority, Targets.path(newPath), newQuery, headers, body);
    }

    /** The same request with these headers instead. */
    public Request withHeaders(Headers newHeaders) {
        Objects.requireNonNull(newHeaders, "newHeaders");
        return new Request(method, scheme, authority, path, query, newHeaders, body);
    }

    /** The same request with one line in the place of all called {@code name}. */
    public Request withHeader(String name, String value) {
        return withHeaders(headers.with(name, value));
    }

    /** The same request without the lines called {@code name}. */
    public Request withoutHeader(String name) {
        return headers.contains(name) ? withHeaders(headers.without(name)) : this;
    }

    /** The same head with another body. The body replaced is the caller's to pass on, read or discard. */
    public Request withBody(Body newBody) {
        Objects.requireNonNull(newBody, "newBody");
        return new Request(method, scheme, authority, path, query, headers, newBody);
    }

    /** Method and path only: queries may hold secrets. */
    @Override
    public String toString() {
        return method + ' ' + path;
    }

    private static String token(String method) {
        if (!FieldRules.isToken(method)) {
            throw new IllegalArgumentException("method: " + FieldRules.shown(method) + " (expected: a token)");
        }
        return method;
    }
}
