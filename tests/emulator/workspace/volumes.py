"""The Files API, on a folder: /Volumes/catalog/schema/volume/path is a file of ours, so that SQL engines can read it."""
import email.utils
import mimetypes
import os
import re
import shutil
import tempfile

from .errors import ApiError, bad_request, invalid
from .http import Response
from .paging import page

FILES, DIRECTORIES = "/api/2.0/fs/files", "/api/2.0/fs/directories"
LARGEST = 5 << 30


class Volumes:
    def __init__(self, workspace):
        self.workspace = workspace
        self.root = os.path.join(workspace.folder, "volumes")
        os.makedirs(self.root)
        workspace.volumes = self

    def routes(self, router, guard):
        router.add("PUT", f"{FILES}(?P<path>/.*)", self._guarded("WRITE_VOLUME", self.put), guard)
        router.add("GET HEAD", f"{FILES}(?P<path>/.*)", self._guarded("READ_VOLUME", self.get), guard)
        router.add("DELETE", f"{FILES}(?P<path>/.*)", self._guarded("WRITE_VOLUME", self.delete), guard)
        router.add("PUT", f"{DIRECTORIES}(?P<path>/.*)", self._guarded("WRITE_VOLUME", self.make), guard)
        router.add("GET", f"{DIRECTORIES}(?P<path>/.*)", self._guarded("READ_VOLUME", self.list), guard)
        router.add("HEAD", f"{DIRECTORIES}(?P<path>/.*)", self._guarded("READ_VOLUME", self.look), guard)
        router.add("DELETE", f"{DIRECTORIES}(?P<path>/.*)", self._guarded("WRITE_VOLUME", self.remove), guard)

    # ---- from a path of the workspace to one of ours

    def allow(self, request, path, privilege):
        volume = ".".join([part for part in path.split("/") if part][1:4])
        if not self.workspace.catalogs.may(request.principal, "volume", volume, privilege):
            raise ApiError(403, "PERMISSION_DENIED", f"User does not have {privilege.replace('_', ' ')} on Volume '{volume}'")

    def _guarded(self, privilege, call):
        def run(request, path):
            self.allow(request, path, privilege)
            return call(request, path)
        return run

    def local(self, path):
        """Where /Volumes/c/s/v/... lies; the volume must be there."""
        parts = [part for part in path.split("/") if part]
        if len(parts) < 4 or parts[0] != "Volumes" or any(part in (".", "..") or "\0" in part for part in parts):
            raise invalid(f"Invalid path: {path}; it must begin with /Volumes/<catalog>/<schema>/<volume>")
        self.workspace.catalogs.require_volume(".".join(parts[1:4]))
        return os.path.join(self.root, *parts[1:])

    def make_volume(self, full_name):
        os.makedirs(os.path.join(self.root, *full_name.split(".")), exist_ok=True)

    def drop_volume(self, full_name):
        shutil.rmtree(os.path.join(self.root, *full_name.split(".")), ignore_errors=True)

    def _existing(self, path):
        local = self.local(path)
        if not os.path.isfile(local):
            raise ApiError(404, "NOT_FOUND", f"The file being accessed is not found: {path}")
        return local

    def _folder(self, path):
        local = self.local(path)
        if not os.path.isdir(local):
            raise ApiError(404, "NOT_FOUND", f"The directory being accessed is not found: {path}")
        return local

    # ---- files

    def put(self, request, path):
        local = self.local(path)
        if "overwrite" in request.query and not request.flag("overwrite") and os.path.exists(local):
            raise ApiError(409, "ALREADY_EXISTS", f"The file being created already exists: {path}")
        if os.path.isdir(local):
            raise ApiError(409, "ALREADY_EXISTS", f"A directory is at this path: {path}")
        folder = os.path.dirname(local)
        try:
            os.makedirs(folder, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ApiError(409, "ALREADY_EXISTS", f"A file is on the way to {path}") from None
        # A reader sees the whole file or none of it.
        handle, new = tempfile.mkstemp(dir=self.workspace.folder, prefix="upload.")
        with os.fdopen(handle, "wb") as file:
            file.write(request.body)
        os.chmod(new, 0o644)
        os.replace(new, local)
        return Response(204)

    def get(self, request, path):
        local = self._existing(path)
        with open(local, "rb") as file:
            body = file.read()
        changed = os.path.getmtime(local)
        headers = {"Last-Modified": email.utils.formatdate(changed, usegmt=True), "Accept-Ranges": "bytes"}
        limit = request.headers.get("If-Unmodified-Since")
        if limit and email.utils.parsedate_to_datetime(limit).timestamp() < int(changed):
            raise ApiError(412, "FAILED_PRECONDITION", f"The file has changed: {path}")
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""))
        if wanted and any(wanted.groups()):
            return self._range(body, wanted, headers, kind)
        return Response(200, body, headers, kind)

    @staticmethod
    def _range(body, wanted, headers, kind):
        first, last = wanted.groups()
        start = int(first) if first else max(0, len(body) - int(last))
        end = min(int(last) if first and last else len(body) - 1, len(body) - 1)
        if start > end:
            raise ApiError(416, "BAD_REQUEST", "The range cannot be satisfied")
        headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return Response(206, body[start:end + 1], headers, kind)

    def delete(self, _request, path):
        os.remove(self._existing(path))
        return Response(204)

    # ---- directories

    def make(self, _request, path):
        local = self.local(path)
        try:
            os.makedirs(local, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ApiError(409, "ALREADY_EXISTS", f"A file is at this path: {path}") from None
        return Response(204)

    def look(self, _request, path):
        self._folder(path)
        return Response(200)

    def list(self, request, path):
        local = self._folder(path)
        entries = sorted(os.scandir(local), key=lambda entry: entry.name)
        base = path.rstrip("/")
        return page(request, "contents", entries, lambda entry: self._entry(base, entry), self.workspace.settings, sparse=True)

    @staticmethod
    def _entry(base, entry):
        info = entry.stat()
        shown = {"path": f"{base}/{entry.name}", "name": entry.name, "is_directory": entry.is_dir(),
                 "last_modified": int(info.st_mtime * 1000)}
        if not entry.is_dir():
            shown["file_size"] = info.st_size
        return shown

    def remove(self, _request, path):
        local = self._folder(path)
        if os.listdir(local):
            raise bad_request(f"The directory is not empty: {path}")
        os.rmdir(local)
        return Response(204)
