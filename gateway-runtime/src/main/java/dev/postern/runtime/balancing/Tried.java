package dev.postern.runtime.balancing;

import java.util.Arrays;

/**
 * The endpoints that one exchange has tried already, so that a retry goes elsewhere. Belongs to its exchange and its event
 * loop; made only when there is a retry. Holds endpoints, not indexes: the list may change between two attempts.
 */
public final class Tried {
    // Few: as many as there are attempts.
    private EndpointState[] endpoints = new EndpointState[2];
    private int size;

    /** Remembers an endpoint. */
    public void add(EndpointState endpoint) {
        if (contains(endpoint)) {
            return;
        }
        if (size == endpoints.length) {
            endpoints = Arrays.copyOf(endpoints, 2 * size);
        }
        endpoints[size++] = endpoint;
    }

    /** Remembers all that another knows. */
    void addAll(Tried others) {
        for (int i = 0; i < others.size; i++) {
            add(others.endpoints[i]);
        }
    }

    /** Whether it was tried. */
    public boolean contains(EndpointState endpoint) {
        for (int i = 0; i < size; i++) {
            if (endpoints[i] == endpoint) {
                return true;
            }
        }
        return false;
    }

    /** How many different ones were tried. */
    public int size() {
        return size;
    }
}
