package dev.postern;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * How a request is changed on its way to the upstream, after all filters, and the response before the first filter sees
 * it. Filters therefore always see the path that was matched.
 *
 * <p>A rewritten path is made canonical and checked again; one that cannot be is answered 500 and logged. Edits are
 * carried out in the order written.
 */
public final class Rewrite {
    private static final Rewrite NONE = new Rewrite(null, null, null, false, List.of());

    private final @Nullable String path;
    private final @Nullable String prefix;
    private final @Nullable String host;
    private final boolean keepsHost;
    private final List<Edit> edits;

    private Rewrite(
            @Nullable String path,
            @Nullable String prefix,
            @Nullable String host,
            boolean keepsHost,
            List<Edit> edits) {
        this.path = path;
        this.prefix = prefix;
        this.host = host;
        this.keepsHost = keepsHost;
        this.edits = edits;
    }

    /** No change: the base to add to. */
    public static Rewrite none() {
        return NONE;
    }

    /** A new path from a template, which may use the variables of the route's match: {@code /v2/orders/{id}}. */
    public Rewrite path(String template) {
        return new Rewrite(Objects.requireNonNull(template, "template"), null, host, keepsHost, edits);
    }

    /** Replaces the prefix that the route matched; {@code /} strips it. */
    public Rewrite prefix(String newPrefix) {
        return new Rewrite(null, Targets.path(newPrefix), host, keepsHost, edits);
    }

    /** Sends this {@code Host} upstream: a name or address with a port or without, which is checked at build. */
    public Rewrite host(String authority) {
        return new Rewrite(path, prefix, Targets.authority(authority), false, edits);
    }

    /** Sends the client's {@code Host} upstream. Without this the upstream gets the authority of its endpoint. */
    public Rewrite keepHost() {
        return new Rewrite(path, prefix, null, true, edits);
    }

    /** Sets a request header, whatever the client sent. */
    public Rewrite setRequestHeader(String name, String value) {
        return edit(Target.REQUEST_HEADER, Action.SET, FieldRules.name(name), FieldRules.value(name, value));
    }

    /** Adds a line to a request header. */
    public Rewrite addRequestHeader(String name, String value) {
        return edit(Target.REQUEST_HEADER, Action.ADD, FieldRules.name(name), FieldRules.value(name, value));
    }

    /** Removes a request header. */
    public Rewrite removeRequestHeader(String name) {
        return edit(Target.REQUEST_HEADER, Action.REMOVE, FieldRules.name(name), "");
    }

    /** Sets a query parameter; name and value are given decoded. */
    public Rewrite setQuery(String name, String value) {
        return edit(Target.QUERY, Action.SET, name, value);
    }

    /** Adds a query parameter; name and value are given decoded. */
    public Rewrite addQuery(String name, String value) {
        return edit(Target.QUERY, Action.ADD, name, value);
    }

    /** Removes a query parameter; the name is given decoded. */
    public Rewrite removeQuery(String name) {
        return edit(Target.QUERY, Action.REMOVE, name, "");
    }

    /** Sets a response header, whatever the upstream sent. */
    public Rewrite setResponseHeader(String name, String value) {
        return edit(Target.RESPONSE_HEADER, Action.SET, FieldRules.name(name), FieldRules.value(name, value));
    }

    /** Adds a line to a response header. */
    public Rewrite addResponseHeader(String name, String value) {
        return edit(Target.RESPONSE_HEADER, Action.ADD, FieldRules.name(name), FieldRules.value(name, value));
    }

    /** Removes a response header. */
    public Rewrite removeResponseHeader(String name) {
        return edit(Target.RESPONSE_HEADER, Action.REMOVE, FieldRules.name(name), "");
    }

    /** The path template, or null. */
    public @Nullable String path() {
        return path;
    }

    /** What replaces the matched prefix, or null. */
    public @Nullable String prefix() {
        return prefix;
    }

    /** The fixed host, or null. */
    public @Nullable String host() {
        return host;
    }

    /** Whether the client's host is kept. */
    public boolean keepsHost() {
        return keepsHost;
    }

    /** The edits, in the order written. */
    public List<Edit> edits() {
        return edits;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Rewrite that
                && that.keepsHost == keepsHost
                && Objects.equals(that.path, path)
                && Objects.equals(that.prefix, prefix)
                && Objects.equals(that.host, host)
                && that.edits.equals(edits);
    }

    @Override
    public int hashCode() {
        return Objects.hash(path, prefix, host, keepsHost, edits);
    }

    /** {@code path /v2/orders/{id}, host kept, set request header X-A}; values of edits are left out: they may be secrets. */
    @Override
    public String toString() {
        StringJoiner parts = new StringJoiner(", ");
        if (path != null) {
            parts.add("path " + path);
        }
        if (prefix != null) {
            parts.add("prefix " + prefix);
        }
        if (host != null) {
            parts.add("host " + host);
        }
        if (keepsHost) {
            parts.add("host kept");
        }
        for (Edit edit : edits) {
            parts.add(edit.toString());
        }
        return parts.length() == 0 ? "no rewrite" : parts.toString();
    }

    private Rewrite edit(Target target, Action action, String name, String value) {
        List<Edit> more = new ArrayList<>(edits);
        more.add(new Edit(target, action, name, value));
        return new Rewrite(path, prefix, host, keepsHost, List.copyOf(more));
    }

    /** What an edit changes. */
    public enum Target {
        /** A header of the request. */
        REQUEST_HEADER,
        /** A parameter of the query. */
        QUERY,
        /** A header of the response. */
        RESPONSE_HEADER
    }

    /** What an edit does. */
    public enum Action {
        /** One value in the place of all. */
        SET,
        /** One more value. */
        ADD,
        /** No value. */
        REMOVE
    }

    /**
     * One change.
     *
     * @param target what is changed
     * @param action how
     * @param name of the header or parameter
     * @param value empty for {@link Action#REMOVE}
     */
    public record Edit(Target target, Action action, String name, String value) {
        /** Refuses null. */
        public Edit {
            Objects.requireNonNull(target, "target");
            Objects.requireNonNull(action, "action");
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(value, "value");
        }

        /** {@code set request header X-A}: without the value, which may be a secret. */
        @Override
        public String toString() {
            String what = target.name().toLowerCase(Locale.ROOT).replace('_', ' ');
            return action.name().toLowerCase(Locale.ROOT) + ' ' + what + ' ' + name;
        }
    }
}
