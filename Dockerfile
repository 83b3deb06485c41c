# The same scripts as on a machine of one's own: docker build -t swift-qat . && docker run --rm -v "$PWD:/data" -w /data swift-qat help
FROM swift:6.2-bookworm
WORKDIR /opt/swift-qat
COPY . .
RUN scripts/setup && swift build -c release --product qat
# Ranks in a container run as root.
ENV PATH="/opt/swift-qat/.build/release:/opt/swift-qat/scripts:${PATH}" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ENTRYPOINT ["qat"]
CMD ["help"]
