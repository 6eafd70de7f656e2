# One Parley server, and nothing else. `make image` builds it: it puts what is copied here into bin/image.
FROM scratch
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --chown=65532:65532 data /var/lib/parley
COPY parley /parley

# What it keeps is below PARLEY_DIR. Below PARLEY_CONFIG it finds definitions (*.yaml) and services (services/*.star).
ENV PARLEY_DIR=/var/lib/parley \
    PARLEY_CONFIG=/etc/parley \
    TMPDIR=/var/lib/parley
VOLUME /var/lib/parley

# Nobody in particular; channels are called at 17010, and the admin API is the container's own.
USER 65532:65532
EXPOSE 17010

# A planned stop finishes what is in flight, 30 s at most: give it 40 s (docker stop -t 40, stop_grace_period).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["/parley", "ready"]
ENTRYPOINT ["/parley"]
CMD ["serve"]
